import { execFileSync } from "node:child_process";
import { PORTS } from "./server";

const ENV = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

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
  return rule(RULES);
}

/** Drops so many of a hundred packets to and from the SFU, at random. Undefined: no nft here. */
export function losePackets(percent: number): (() => void) | undefined {
  return rule(`
table inet atrium_e2e {
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport ${PORTS.sfuUdp} numgen random mod 100 < ${percent} counter drop
    udp sport ${PORTS.sfuUdp} numgen random mod 100 < ${percent} counter drop
  }
}
`);
}

function rule(rules: string): (() => void) | undefined {
  const nft = (args: string[], input?: string) =>
    execFileSync("nft", args, {
      input,
      stdio: ["pipe", "pipe", "pipe"],
      env: ENV,
    });
  try {
    nft(["-f", "-"], rules);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return () => nft(["delete", "table", "inet", "atrium_e2e"]);
}

/** Ends every connection to the server's web port, as a network that goes away would; false where that is not allowed. */
export function cutConnections(): boolean {
  let cut = false;
  // One call ends the first that it finds.
  for (let i = 0; i < 50; i++) {
    try {
      const args = ["-K", "-H", "-t", "state", "established", "dport", "=", String(PORTS.http)];
      const ended = execFileSync("ss", args, { encoding: "utf8", env: ENV, stdio: ["ignore", "pipe", "ignore"] });
      if (ended.trim() === "") return cut;
      cut = true;
    } catch {
      return cut;
    }
  }
  return false;
}
