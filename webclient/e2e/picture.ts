import type { Browser } from "playwright-core";
import { afterAll, beforeAll, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { drawnCamera } from "./people";
import { Server } from "./server";
import { until } from "./until";

// Not a test: takes the picture of the README. ATRIUM_PICTURE=docs/office.png e2e/run.sh
const server = new Server(`${RESULTS}picture/`);
let browser: Browser;

beforeAll(async () => {
  [browser] = await Promise.all([launch("fake"), server.start()]);
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

const PEOPLE = [
  { name: "Ada", avatar: "sky", at: [24.5, 16.5], skin: "#f0c7a4", hair: "#4a2f22", shirt: "#4d7bd8", wall: "#7d8fb3" },
  {
    name: "Grace",
    avatar: "coral",
    at: [28.5, 15.5],
    skin: "#e8b48c",
    hair: "#2b2120",
    shirt: "#c9574d",
    wall: "#b38f7d",
  },
  {
    name: "Alan",
    avatar: "mint",
    at: [20.5, 15.5],
    skin: "#f3d3b8",
    hair: "#8a5a2b",
    shirt: "#3d9a72",
    wall: "#7da394",
  },
  {
    name: "Katherine",
    avatar: "violet",
    at: [17.5, 19.5],
    skin: "#9a6644",
    hair: "#1d1716",
    shirt: "#8468d8",
    wall: "#9a86b8",
  },
] as const;

it("takes a picture of four people in the lobby", async () => {
  const visitors: Visitor[] = [];
  for (const [style, person] of PEOPLE.entries()) {
    const visitor = await Visitor.enter(browser, person.name, { avatar: person.avatar }, (page) =>
      page.addInitScript(drawnCamera, { ...person, at: undefined, style }),
    );
    await visitor.arrived();
    visitors.push(visitor);
    const [x, y] = person.at;
    await until(`${person.name} sets off`, () =>
      visitor.page.evaluate(([tx, ty]) => window.atrium?.walkTo({ x: tx, y: ty }), [x, y] as const),
    );
    await until(
      `${person.name} stands where they should`,
      () =>
        visitor.page.evaluate(
          ([tx, ty]) => {
            const p = window.atrium?.office.self?.position;
            return p !== undefined && Math.hypot(p.x - tx, p.y - ty) < 0.6;
          },
          [x, y] as const,
        ),
      { within: 30_000 },
    );
    // Everyone turns to the one who looks.
    await visitor.page.keyboard.press("ArrowDown", { delay: 80 });
  }
  const [ada] = visitors;
  if (!ada) return;
  await ada.settled("SFU");
  await until("Ada sees three pictures", async () => {
    const peers = (await ada.stats())?.peers ?? [];
    return peers.length === 3 && peers.every((p) => p.video.way === "sfu" && p.video.framesDecoded > 30);
  });
  await ada.page.locator(".badge").hover();
  await until("the details are measured", async () => (await ada.page.locator(".popover tbody tr").count()) === 3);
  await ada.page.screenshot({ path: process.env.ATRIUM_PICTURE });
}, 120_000);
