import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, RESULTS, Visitor } from "./browser";
import { Server } from "./server";
import { until } from "./until";

const server = new Server(`${RESULTS}documents/`);
const quiet = { mic: "0", camera: "0" };
let browser: Browser;
let ada: Visitor;
let grace: Visitor;
let alan: Visitor | undefined;

/** Walks up to the lobby's whiteboard and opens it by its key. */
async function open(v: Visitor, column: number): Promise<void> {
  if ((await v.page.locator(".document").count()) > 0) return;
  await v.walkTo(column, 15.5);
  const hint = v.page.locator(".hint-key");
  await until(`${v.name} is told of the board`, async () => (await hint.innerText()).includes("Open Lobby whiteboard"));
  await v.page.keyboard.press("e");
  await until(`${v.name}'s cursor is in the text`, () =>
    v.page.evaluate(() => document.activeElement?.classList.contains("cm-content")),
  );
}

const texts = (v: Visitor, selector: string) => v.page.locator(`.document ${selector}`).allInnerTexts();
const stored = ".note:not(.waiting):not(.sending):not(.refused) .note-text";
/** Whether someone else is listed as a reader. */
const lists = async (v: Visitor, userId: string) =>
  (await v.page.locator(`.readers [data-user="${userId}"]`).count()) > 0;

async function write(v: Visitor, text: string): Promise<void> {
  await v.page.locator(".composer textarea").fill(text);
  await v.page.keyboard.press("Enter");
}

beforeAll(async () => {
  [browser] = await Promise.all([launch("fake"), server.start()]);
  ada = await Visitor.enter(browser, "Ada", { ...quiet, avatar: "sky" });
  grace = await Visitor.enter(browser, "Grace", { ...quiet, avatar: "coral" });
  await Promise.all([ada.arrived(), grace.arrived()]);
});

afterAll(async () => {
  await browser?.close();
  await server.close();
});

// One story: what was written before is there afterwards, so that nothing of it can be tried a second time.
describe("a whiteboard's document", { retry: 0 }, () => {
  it("shows who has it open, where they are in it, and what they have selected", async () => {
    await open(ada, 24.5);
    await open(grace, 25.5);
    const id = await grace.userId();
    await until("Ada sees that Grace reads", () => lists(ada, id));
    for (const key of ["ArrowDown", "ArrowDown", "Shift+End"]) await grace.page.keyboard.press(key);
    const caret = ada.page.locator(`.other-caret[data-user="${id}"] .other-name`);
    await until("Ada sees Grace's name at a cursor", async () => (await caret.textContent()) === "Grace");
    await until("and what Grace has selected", async () =>
      (await texts(ada, ".other-selection")).join("").startsWith("You are in a virtual office"),
    );
  });

  it("shows an annotation at its line and a comment in the thread, and who is writing them", async () => {
    await open(ada, 24.5);
    await open(grace, 25.5);
    // What is typed right after the key belongs to the note.
    expect(await grace.pressed("Enter")).toMatch(/^TEXTAREA/);
    await grace.page.keyboard.type("Is it?", { delay: 20 });
    await until("Ada sees that Grace writes", async () => (await texts(ada, ".writing"))[0] === "Grace is writing…");
    await grace.page.keyboard.press("Enter");
    const mark = ada.page.locator(".margin button");
    await until("Ada sees the annotation at its line", async () => (await mark.getAttribute("data-line")) === "3");
    await until("Grace's is stored", async () => (await texts(grace, stored))[0] === "Is it?");
    await grace.page.getByRole("tab", { name: "Comments" }).click();
    expect(await grace.page.evaluate(() => document.activeElement?.id), "the tab keeps the focus").toBe("tab-Comment");
    await write(grace, "Good morning.");
    await until("Ada reads the comment", async () => (await texts(ada, stored)).includes("Good morning."));
    await until("nobody writes any more", async () => (await texts(ada, ".writing"))[0] === "");
    await ada.screenshot("h-document");
    await mark.focus();
    await ada.page.keyboard.press("Enter");
    await until(
      "Ada reads the annotation",
      async () => (await texts(ada, ".of-line.sought .note-text"))[0] === "Is it?",
    );
    await ada.page.getByLabel("Annotate line 3").waitFor();
    await ada.page.getByRole("tab", { name: "Comments" }).click();
    await write(ada, "Good morning, Grace.");
    await until("Grace reads Ada's", async () => (await texts(grace, stored)).includes("Good morning, Grace."));
  });

  it("is left when it is closed; one walks on, and the notes stay for who comes later, in order", async () => {
    const id = await grace.userId();
    await grace.page.keyboard.press("Escape");
    await until("Ada sees that Grace has gone", async () => !(await lists(ada, id)));
    await until("the map has the keys again", () =>
      grace.page.evaluate(() => !document.querySelector(".document") && document.activeElement?.className === "map"),
    );
    alan = await Visitor.enter(browser, "Alan", { ...quiet, avatar: "mint" });
    await alan.arrived();
    await open(alan, 23.5);
    const read = () => texts(alan as Visitor, stored);
    await until("Alan has all notes", async () => (await read()).join() === "Good morning.,Good morning, Grace.");
    const mark = alan.page.locator(".margin button");
    await until("the annotation is at its line", async () => (await mark.getAttribute("data-line")) === "3");
  });

  it("says that the connection is lost, and sends what is written meanwhile when it is back", async () => {
    await server.kill();
    const notice = ada.page.locator(".document-notice");
    await until("Ada is told", async () => (await notice.innerText()).includes("is lost"));
    await write(ada, "Is anybody there?");
    await until("it is pending", async () => (await texts(ada, ".note.waiting .note-text"))[0] === "Is anybody there?");
    await server.start();
    const thread = ["Good morning.", "Good morning, Grace.", "Is anybody there?"];
    for (const reader of [ada, alan as Visitor]) {
      const whole = async () => (await texts(reader, stored)).join() === thread.join();
      await until(`${reader.name} has the whole thread, once`, whole);
    }
    await until("nothing is said to be lost", async () => (await notice.count()) === 0);
    expect([...ada.errors, ...grace.errors, ...(alan?.errors ?? [])]).toEqual([]);
  });
});
