import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { Server } from "./server";
import { until } from "./until";

const server = new Server(`${RESULTS}devices/`);
const browsers: Browser[] = [];

beforeAll(() => server.start());

afterAll(async () => {
  await Promise.all(browsers.map((b) => b.close()));
  await server.close();
});

async function open(devices: "fake" | "denied" | "none"): Promise<Browser> {
  const browser = await launch(devices);
  browsers.push(browser);
  return browser;
}

describe("(f) a page without devices", () => {
  it.each([
    ["denied", "The browser did not allow it"],
    ["none", "Nothing is plugged in"],
  ] as const)("%s: says so, sees and hears the others, and walks", async (devices, words) => {
    const fake = browsers[0] ?? (await open("fake"));
    const host = await Visitor.enter(fake, "Host");
    await host.arrived();
    const guest = await Visitor.enter(await open(devices), "Guest");
    await guest.arrived();
    try {
      for (const device of ["device-mic", "device-camera"]) {
        const said = await until(`${devices}: told about ${device}`, () => guest.notice(device));
        expect(said).toContain(words);
      }
      await until(
        "the guest sees and hears the host",
        async () => {
          const [one] = await guest.snapshot();
          return one && one.framesDecoded > 10 && one.totalAudioEnergy > 0;
        },
        { within: 30_000 },
      );
      const id = await guest.userId();
      const seen = () =>
        host.page.evaluate((user) => {
          const p = window.atrium?.office.peers.get(user)?.position;
          return p && { x: p.x, y: p.y };
        }, id);
      const before = await until("the host sees the guest stand", seen);
      await guest.page.keyboard.down("ArrowUp");
      await until("the host sees the guest walk", async () => {
        const now = await seen();
        return now && before.y - now.y > 0.5;
      }).finally(() => guest.page.keyboard.up("ArrowUp"));
      await guest.screenshot(`f-${devices}`);
      expect([...host.errors, ...guest.errors]).toEqual([]);
    } finally {
      await Promise.all([host.close(), guest.close()]);
    }
  });
});
