import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { Host } from "./host";
import { allReceive, pick } from "./receive";
import { PORTS, Server } from "./server";
import { skipped } from "./skip";
import { until } from "./until";

/** A certificate that nobody signed, for one address. */
function certificate(folder: string, address: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const how = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const who = ["-subj", "/CN=atrium", "-addext", `subjectAltName=IP:${address}`];
  execFileSync("openssl", ["req", "-x509", ...how, ...who, "-keyout", key, "-out", cert], { stdio: "pipe" });
  return { cert, key };
}

describe("a server on another host, over https", () => {
  const folder = mkdtempSync(join(tmpdir(), "atrium-e2e-tls-"));
  const visitors: Visitor[] = [];
  let host: Host | undefined;
  let server: Server | undefined;
  let browser: Browser | undefined;

  afterAll(async () => {
    await Promise.all(visitors.map((v) => v.close()));
    await browser?.close();
    await server?.close();
    host?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("people see and hear each other directly, and through the SFU when a third comes", async (context) => {
    const other = host ?? Host.make();
    if (!other) {
      skipped("A SERVER ON ANOTHER HOST: A SECOND NETWORK NAMESPACE IS NOT ALLOWED HERE");
      return context.skip();
    }
    if (!host) {
      host = other;
      await until("the other host is there", async () => other.apart);
      other.join();
      server = new Server(`${RESULTS}network/`, {
        address: other.address,
        tls: certificate(folder, other.address),
        inside: (...command) => other.inside(...command),
      });
      [browser] = await Promise.all([launch("fake", { loopback: false }), server.start()]);
    }
    await Visitor.closeAll();
    visitors.length = 0;

    const base = `https://${other.address}:${PORTS.http}`;
    const enter = async (name: string) => {
      const visitor = await Visitor.enter(browser as Browser, name, {}, undefined, base);
      visitors.push(visitor);
      await visitor.arrived();
    };
    await enter("Ada");
    await enter("Grace");
    for (const v of visitors) {
      const seen = await until(`${v.name} decodes more than 30 frames and hears`, async () => pick(await v.snapshot()));
      console.log(`  (g) ${v.name}: ${seen.framesDecoded} frames, ${seen.local} to ${seen.remote}`);
      await v.settled("P2P_DIRECT");
    }
    await enter("Alan");
    await Promise.all(visitors.map((v) => v.settled("SFU")));
    await allReceive(visitors, "sfu");
    for (const v of visitors) expect((await v.stats())?.peers.map((p) => p.path)).toEqual(["sfu", "sfu"]);
    expect(visitors.flatMap((v) => v.errors)).toEqual([]);
  });
});
