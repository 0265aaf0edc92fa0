import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { blockDirectPaths } from "./firewall";
import { type Figures, printFigures, Watch } from "./gaps";
import { allReceive, pick } from "./receive";
import { Server } from "./server";
import { skipped } from "./skip";
import { added } from "./stall";
import { until } from "./until";

/** What a switch may cost a page, for each person it sees and hears. */
const MAX_GAP_MS = 500;
const MAX_CONCEALED = 4800;

const server = new Server(RESULTS);
let browser: Browser;

beforeAll(async () => {
  [browser] = await Promise.all([launch("fake"), server.start()]);
});

afterAll(async () => {
  await browser?.close();
  await server.close();
});

describe("three people in one zone", () => {
  let ada: Visitor;
  let grace: Visitor;
  /** Their pages are open all the time: what opening one takes of a small machine is no part of a switch. */
  let alan: Visitor;

  afterAll(() => Visitor.closeAll());

  it("(a) two pages see and hear each other directly", async () => {
    await Visitor.closeAll();
    alan = await Visitor.enter(browser, "Alan", { avatar: "mint", zone: "Aquarium" });
    await alan.arrived();
    await until("Alan is in the meeting room", async () => (await alan.place()) === "Aquarium");
    ada = await Visitor.enter(browser, "Ada", { avatar: "sky" });
    await ada.arrived();
    grace = await Visitor.enter(browser, "Grace", { avatar: "coral" });
    await grace.arrived();
    for (const v of [ada, grace]) {
      const seen = await until(`${v.name} decodes more than 30 frames and hears`, async () => pick(await v.snapshot()));
      console.log(
        `  (a) ${v.name}: ${seen.framesDecoded} frames, audio energy ${seen.totalAudioEnergy.toExponential(2)}, ${seen.local} to ${seen.remote}`,
      );
      expect(seen.local).not.toBe("relay");
      expect(seen.remote).not.toBe("relay");
      await v.settled("P2P_DIRECT");
      expect((await v.badge()).text).toBe("Direct");
    }
    await ada.screenshot("a-direct");
  });

  /** Alan is in the meeting room next door; the two others see each other directly, not far from its door. */
  async function two(): Promise<void> {
    await Promise.all([alan.walkTo(24.5, 8.5), ada.walkTo(23.5, 13.5), grace.walkTo(25.5, 13.5)]);
    await Promise.all([ada, grace].map((v) => v.settled("P2P_DIRECT")));
    await allReceive([ada, grace], "p2p");
  }

  /** Alan has come out to them. */
  async function three(): Promise<void> {
    await Promise.all([alan.walkTo(24.5, 11.5), ada.walkTo(23.5, 13.5), grace.walkTo(25.5, 13.5)]);
    await Promise.all([ada, grace, alan].map((v) => v.settled("SFU")));
    await allReceive([ada, grace, alan], "sfu");
  }

  /** (c): a third comes in; what that cost each page. */
  async function promotion(): Promise<Figures> {
    await two();
    const watch = await Watch.start([ada, grace, alan]);
    await alan.walkTo(24.5, 11.5);
    const began = Date.now();
    await Promise.all([ada, grace, alan].map((v) => v.settled("SFU")));
    console.log(`  (c) committed on every page ${Date.now() - began} ms after the third had come`);
    for (const v of [ada, grace, alan]) {
      expect((await v.badge()).text).toBe("Through the server (SFU)");
      // The old way is closed: one connection is left, the one to the server.
      await until(`${v.name} let go of the old way`, async () => (await v.snapshot()).length === 1);
    }
    await allReceive([ada, grace, alan], "sfu", 30);
    const figures = await watch.stop();
    printFigures("(c) from peer to peer to the SFU", figures);
    expect(figures.costs).toHaveLength(6);
    return figures;
  }

  /** (d): it leaves again. */
  async function demotion(): Promise<Figures> {
    await three();
    const watch = await Watch.start([ada, grace]);
    await alan.walkTo(24.5, 8.5);
    await Promise.all([ada, grace].map((v) => v.settled("P2P_DIRECT")));
    await allReceive([ada, grace], "p2p", 30);
    const figures = await watch.stop();
    printFigures("(d) from the SFU back to peer to peer", figures);
    expect(figures.costs).toHaveLength(2);
    return figures;
  }

  /** Asserts the figures. Others may take the machine for a moment, so there are three attempts: what a switch itself costs is there each time. */
  async function within(go: () => Promise<Figures>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { costs } = await go();
      const over = costs.filter((c) => {
        const stall = added(c.stallMs);
        return !(c.gapMs < MAX_GAP_MS + stall && c.concealedSamples < MAX_CONCEALED + 48 * stall);
      });
      if (over.length > 0 && attempt < 3) {
        console.log("  once more");
        continue;
      }
      expect(over, `a gap under ${MAX_GAP_MS} ms and under ${MAX_CONCEALED} concealed samples`).toEqual([]);
      return;
    }
  }

  it("(c) a third joins: everyone through the server, without a visible gap", async () => {
    await within(promotion);
    await ada.screenshot("c-sfu");
  });

  it("(d) the third leaves: back to direct, without a visible gap", async () => {
    await within(demotion);
  });

  it("(e) the server is killed and restarted: the pages come back by themselves", async () => {
    await two();
    await alan.page.getByRole("button", { name: "Leave the office" }).click();
    await alan.page.getByRole("button", { name: "Enter the office" }).waitFor();
    const ids = await Promise.all([ada.userId(), grace.userId()]);
    await server.kill();
    for (const v of [ada, grace]) {
      const said = await until(`${v.name} is told`, () => v.notice("connection"));
      expect(said).toContain("connection to the office is lost");
    }
    await ada.screenshot("e-lost");
    const restarted = Date.now();
    await server.start();
    for (const v of [ada, grace]) {
      await until(`${v.name} is back`, () =>
        v.page.evaluate(() => window.atrium?.office.state === "connected" && window.atrium.office.peers.size === 1),
      );
      await until(`${v.name} is not told any more`, async () => (await v.notice("connection")) === undefined);
    }
    console.log(`  (e) both pages back ${Date.now() - restarted} ms after the restart`);
    expect(await Promise.all([ada.userId(), grace.userId()])).toEqual(ids);
    await allReceive([ada, grace], "p2p");
    await Promise.all([ada, grace].map((v) => v.settled("P2P_DIRECT")));
    expect([ada, grace, alan].flatMap((v) => v.errors)).toEqual([]);
  });
});

describe("two people without a direct path", () => {
  let open: (() => void) | undefined;

  afterEach(async () => {
    open?.();
    await Visitor.closeAll();
  });

  it("(b) the relay carries", async (context) => {
    open = blockDirectPaths();
    if (!open) {
      skipped("(b) TWO PEOPLE WITHOUT A DIRECT PATH: NO nft HERE (nftables)");
      return context.skip();
    }
    const ada = await Visitor.enter(browser, "Ada");
    await ada.arrived();
    await until("those of the cases before are gone", () =>
      ada.page.evaluate(() => window.atrium?.office.peers.size === 0),
    );
    // With those in their grace there were three: the zone may have gone to the SFU, and has to be back.
    await ada.settled("P2P_DIRECT");
    const grace = await Visitor.enter(browser, "Grace");
    await grace.arrived();
    const joined = Date.now();
    const both = [ada, grace];
    await Promise.all(
      both.map((v) => until(`${v.name} hears`, async () => (await v.snapshot()).some((d) => d.totalAudioEnergy > 0))),
    );
    console.log(`  (b) both hear each other ${Date.now() - joined} ms after the second joined`);
    for (const v of both) {
      const seen = await until(`${v.name} decodes more than 30 frames and hears`, async () => pick(await v.snapshot()));
      console.log(
        `  (b) ${v.name}: ${seen.framesDecoded} frames, audio energy ${seen.totalAudioEnergy.toExponential(2)}, ${seen.local} to ${seen.remote}, ${Date.now() - joined} ms after joining`,
      );
      expect([seen.local, seen.remote]).toContain("relay");
      await v.settled("P2P_TURN");
      expect((await v.badge()).text).toBe("Relayed");
      expect((await v.stats())?.peers[0]?.path).toBe("relay");
    }
    await ada.screenshot("b-relay");
    expect(both.flatMap((v) => v.errors)).toEqual([]);
  });
});
