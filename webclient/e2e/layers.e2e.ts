import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { allReceive } from "./receive";
import { Server } from "./server";
import { until } from "./until";

const server = new Server(`${RESULTS}layers/`, { address: "127.0.0.1", promoteAt: 2 });
let browser: Browser;

beforeAll(async () => {
  [browser] = await Promise.all([launch("fake"), server.start()]);
});

afterAll(async () => {
  await browser?.close();
  await server.close();
});

interface Watched {
  __connections?: RTCPeerConnection[];
}

/** Runs in the page: the heights of the pictures that it encodes. */
async function encodedHeights(): Promise<number[]> {
  const heights: number[] = [];
  for (const c of (window as Watched).__connections ?? []) {
    if (c.connectionState !== "connected") continue;
    (await c.getStats()).forEach((s) => {
      if (s.type === "outbound-rtp" && s.kind === "video" && s.framesEncoded > 0) heights.push(s.frameHeight);
    });
  }
  return heights.sort((a, b) => a - b);
}

it("a camera goes to the SFU in layers, of which the largest is the picture as it was captured", async () => {
  await Visitor.closeAll();
  const ada = await Visitor.enter(browser, "Ada", { simulcast: "1", capture: "640x480@10" });
  await ada.arrived();
  // Switched on later, when the layers have been offered already.
  const grace = await Visitor.enter(browser, "Grace", { simulcast: "1", capture: "640x480@10", camera: "0" });
  await grace.arrived();
  await Promise.all([ada, grace].map((v) => v.settled("SFU")));
  await grace.page.keyboard.press("v");
  await allReceive([ada, grace], "sfu");
  for (const v of [ada, grace])
    await until(`${v.name} sends the whole picture and half of its lines`, async () => {
      const heights = await v.page.evaluate(encodedHeights);
      if (heights.join() !== "240,480") throw new Error(`it sends ${heights}`);
      return true;
    });
  // What is shown large is sent large.
  const id = await grace.userId();
  await ada.page.evaluate((user) => {
    setInterval(() => window.atrium?.office.view({ sizes: { [user]: 480 } }), 200);
  }, id);
  await until("Ada sees Grace's whole picture", async () => {
    const height = (await ada.stats())?.peers[0]?.video.height;
    if (height !== 480) throw new Error(`it has ${height} lines`);
    return true;
  });
  expect([...ada.errors, ...grace.errors]).toEqual([]);
});
