import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { Server } from "./server";
import { until } from "./until";

const server = new Server(`${RESULTS}walking/`);
const quiet = { mic: "0", camera: "0" };
let browser: Browser;

beforeAll(async () => {
  [browser] = await Promise.all([launch("fake"), server.start()]);
});

afterEach(() => Visitor.closeAll());

afterAll(async () => {
  await browser?.close();
  await server.close();
});

describe("walking through the office", () => {
  it("goes through a door into another zone, and is not let through one that is closed to guests", async () => {
    const ada = await Visitor.enter(browser, "Ada", { ...quiet, zone: "Aquarium" });
    await ada.arrived();
    await until("Ada walked into the meeting room", async () => (await ada.place()) === "Aquarium");
    const grace = await Visitor.enter(browser, "Grace", { ...quiet, zone: "Board room" });
    await grace.arrived();
    const said = await until("Grace is told why the door is closed", () => grace.told("refused"));
    expect(said).toContain("You cannot enter Board room");
    expect(said).toContain("guest");
    expect(await grace.place()).toBe("Lobby");
    await grace.screenshot("g-closed-door");
    expect([...ada.errors, ...grace.errors]).toEqual([]);
  });

  it("says so when the same person opens the office in another tab, and lets them come back", async () => {
    const first = await Visitor.enter(browser, "Ada", quiet);
    await first.arrived();
    const id = await first.userId();
    // A duplicated tab brings its session along.
    const stored = await first.page.evaluate(() => sessionStorage.getItem("atrium.session"));
    const second = await first.context.newPage();
    await second.addInitScript((value) => sessionStorage.setItem("atrium.session", value ?? ""), stored);
    await second.goto(first.page.url());
    const replaced = first.page.getByRole("alert");
    await replaced.waitFor();
    expect(await replaced.textContent()).toContain("another tab");
    await first.screenshot("g-replaced");
    await first.page.getByRole("button", { name: "Use this tab instead" }).click();
    await first.arrived();
    expect(await first.userId()).toBe(id);
    await second.getByRole("alert").waitFor();
    expect(first.errors).toEqual([]);
  });

  it("keeps the person over a reload of the page, and forgets it after leaving", async () => {
    const ada = await Visitor.enter(browser, "Ada", quiet);
    await ada.arrived();
    const id = await ada.userId();
    await ada.page.reload();
    await ada.arrived();
    expect(await ada.userId()).toBe(id);
    await ada.page.getByRole("button", { name: "Leave the office" }).click();
    const name = ada.page.getByLabel("Your name");
    await name.fill("  ");
    await ada.page.getByRole("button", { name: "Enter the office" }).click();
    expect(await ada.page.getByRole("alert").textContent()).toContain("what the others may call you");
    await name.fill("Countess");
    await ada.page.getByRole("radio", { name: "Violet" }).check();
    await ada.screenshot("g-login");
    await name.press("Enter");
    await ada.arrived();
    expect(await ada.userId()).not.toBe(id);
    expect(ada.errors).toEqual([]);
  });
});
