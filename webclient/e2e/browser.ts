import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { RESULTS, type Witness, witnesses } from "./evidence";
import { URL_BASE } from "./server";
import { NOTICE, tellNotices } from "./told";
import { PATIENCE_MS, until } from "./until";
import { type Snapshot, snapshot, watchConnections } from "./webrtc";

export { RESULTS };

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Several pages of one browser: none may be slowed for being behind another.
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--disable-background-timer-throttling",
];

/** What the machine's devices are like. */
export type Devices = "fake" | "denied" | "none" | "silent";

const AUTOPLAY = "--autoplay-policy=no-user-gesture-required";

const DEVICES: Record<Devices, string[]> = {
  fake: ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=15,device-count=1"],
  // Whoever is not recorded is played to after a click only, unless the browser is told otherwise.
  denied: ["--deny-permission-prompts", "--use-fake-device-for-media-stream=fps=15,device-count=1", AUTOPLAY],
  none: ["--use-fake-ui-for-media-stream", AUTOPLAY],
  // No devices, and a browser that plays no sound before the first click.
  silent: ["--use-fake-ui-for-media-stream", "--autoplay-policy=user-gesture-required"],
};

/** Where media stays on loopback; a browser does not use it of itself. */
const LOOPBACK = "--allow-loopback-in-peer-connection";

export function launch(devices: Devices, { loopback = true } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.ATRIUM_CHROMIUM ?? "/usr/bin/chromium",
    args: [...FLAGS, ...(loopback ? [LOOPBACK] : []), ...DEVICES[devices]],
  });
}

/** One person's page. */
export class Visitor implements Witness {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly errors: string[] = [];
  readonly log: string[] = [];
  private readonly notices = new Map<string, string>();

  private constructor(name: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.context = context;
    this.page = page;
    const say = (what: string) => this.log.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
    page.on("console", (message) => {
      const text = message.text();
      say(`${message.type()}: ${text}`);
      if (!text.startsWith(NOTICE)) return;
      const [key, words] = JSON.parse(text.slice(NOTICE.length));
      this.notices.set(key, words);
    });
    page.on("pageerror", (error) => {
      this.errors.push(`${name}: ${error.message}`);
      say(`uncaught: ${error.stack ?? error.message}`);
    });
    page.on("crash", () => say("the page crashed"));
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) say(`went to ${frame.url()}`);
    });
    witnesses.add(this);
    page.on("close", () => witnesses.delete(this));
  }

  /** Opens the office; `query` goes on top of the name, the small capture and the skipped login. */
  static async enter(
    browser: Browser,
    name: string,
    { token, ...query }: Record<string, string> = {},
    prepare: (page: Page) => Promise<unknown> = async () => {},
    base = URL_BASE,
  ): Promise<Visitor> {
    // The certificate of the tests is signed by nobody.
    // Less motion: without a graphics processor the map costs what the pictures need.
    const context = await browser.newContext({
      viewport: { width: 1280, height: 720 },
      ignoreHTTPSErrors: true,
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    await page.addInitScript(watchConnections);
    await page.addInitScript(tellNotices, NOTICE);
    await prepare(page);
    const visitor = new Visitor(name, context, page);
    const params = new URLSearchParams({ name, capture: "320x240@15", auto: "1", ...query });
    await page.goto(`${base}/?${params}${token ? `#token=${token}` : ""}`);
    return visitor;
  }

  async arrived(): Promise<void> {
    await until(`${this.name} stands in the office`, () =>
      this.page.evaluate(() => window.atrium?.visit.state.arrived),
    );
  }

  userId(): Promise<string> {
    return this.page.evaluate(() => window.atrium?.office.self?.user.user_id ?? "");
  }

  /** What the page's own controls say. */
  badge(): Promise<{ text: string; media: string; changing: string }> {
    return this.page.locator(".badge").evaluate((badge: HTMLElement) => ({
      text: badge.textContent ?? "",
      media: badge.dataset.topology ?? "",
      changing: badge.dataset.changing ?? "",
    }));
  }

  async settled(media: string): Promise<void> {
    await until(`${this.name}'s badge says ${media}`, async () => {
      const badge = await this.badge();
      if (badge.media !== media || badge.changing !== "") throw new Error(`it says ${JSON.stringify(badge)}`);
      return true;
    });
  }

  /** The browser's own figures, not the page's. */
  snapshot(): Promise<Snapshot> {
    return this.page.evaluate(snapshot);
  }

  stats() {
    return this.page.evaluate(() => window.atrium?.stats());
  }

  /** The notice that is shown now. */
  async notice(key: string): Promise<string | undefined> {
    const shown = (k: string) => document.querySelector(`[data-notice="${k}"]`)?.textContent;
    return (await this.page.evaluate(shown, key)) ?? undefined;
  }

  /** The last notice of a kind, which may have passed. */
  async told(key: string): Promise<string | undefined> {
    return this.notices.get(key);
  }

  /** The name of the zone that the page says it is in. */
  place(): Promise<string> {
    return this.page.locator(".place strong").innerText();
  }

  /** Walks to a place on the map. Whoever was stopped on the way sets out again. */
  async walkTo(x: number, y: number): Promise<void> {
    await until(`${this.name} walked to ${x},${y}`, () =>
      this.page.evaluate(
        (target) => {
          const { position, state } = window.atrium?.office.self ?? {};
          if (!position) return false;
          const there = Math.hypot(position.x - target.x, position.y - target.y) < 0.2;
          if (!there && state !== "walking") window.atrium?.walkTo(target);
          return there;
        },
        { x, y },
      ),
    );
  }

  /** Clicks on a place on the map, when the view has come to rest. */
  async click(x: number, y: number): Promise<void> {
    let last: { x: number; y: number } | undefined;
    const at = await until("the view rests", async () => {
      const now = await this.page.evaluate((place) => window.atrium?.toScreen(place), { x, y });
      const rests = now && last && Math.hypot(now.x - last.x, now.y - last.y) < 1;
      last = now;
      return rests ? now : undefined;
    });
    await this.page.mouse.click(at.x, at.y);
  }

  /**
   * Presses a key, and tells what has the focus as soon as the page has answered: before it draws, so before any other
   * key can be pressed.
   */
  pressed(key: string): Promise<string> {
    return this.page.evaluate(async (k) => {
      const on = document.activeElement;
      const goes = on?.dispatchEvent(new KeyboardEvent("keydown", { key: k, bubbles: true, cancelable: true }));
      if (goes && k === "Enter" && on instanceof HTMLButtonElement) on.click(); // as the browser does for a real key
      for (let i = 0; i < 50; i++) await undefined; // what is rendered in microtasks
      const { id, tagName, textContent } = document.activeElement ?? {};
      return `${tagName} ${id || textContent}`;
    }, key);
  }

  async screenshot(name: string): Promise<void> {
    mkdirSync(RESULTS, { recursive: true });
    await this.page.screenshot({ path: join(RESULTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.context.close();
  }

  /** Everyone whose page is still open. */
  static async closeAll(): Promise<void> {
    await Promise.all([...witnesses].map((w) => w.page.context().close()));
  }
}
