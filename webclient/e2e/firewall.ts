import { execFileSync } from "node:child_process";
import { PORTS } from "./server";

const RULES = `
table inet atrium_e2e {
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport { ${PORTS.turn}, ${PORTS.sfuUdp} } accept
    udp sport { ${PORTS.turn}, ${PORTS.sfuUdp} } accept
    meta l4proto udp counter drop
  }
}
`;

/** Drops UDP that touches no port of the server: no two pages reach each other directly. Undefined: no nft here. */
export function blockDirectPaths(): (() => void) | undefined {
  const nft = (args: string[], input?: string) =>
    execFileSync("nft", args, {
      input,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
  try {
    nft(["-f", "-"], RULES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return () => nft(["delete", "table", "inet", "atrium_e2e"]);
}
