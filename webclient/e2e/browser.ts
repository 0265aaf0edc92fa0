import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { URL_BASE } from "./server";
import { until } from "./until";
import { type Snapshot, snapshot, watchConnections } from "./webrtc";

export const RESULTS = new URL("../test-results/", import.meta.url).pathname;

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

const DEVICES: Record<Devices, string[]> = {
  fake: ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=15,device-count=1"],
  denied: ["--deny-permission-prompts", "--use-fake-device-for-media-stream=fps=15,device-count=1"],
  none: ["--use-fake-ui-for-media-stream"],
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
export class Visitor {
  readonly name: string;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly errors: string[] = [];

  private constructor(name: string, context: BrowserContext, page: Page) {
    this.name = name;
    this.context = context;
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(`${name}: ${error.message}`));
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
    const page = await context.newPage();
    await page.addInitScript(watchConnections);
    await prepare(page);
    const visitor = new Visitor(name, context, page);
    const params = new URLSearchParams({ name, capture: "320x240@15", auto: "1", ...query });
    await page.goto(`${base}/?${params}${token ? `#token=${token}` : ""}`);
    return visitor;
  }

  async arrived(): Promise<void> {
    await until(
      `${this.name} stands in the office`,
      () => this.page.evaluate(() => window.atrium?.visit.state.arrived),
      {
        within: 20_000,
      },
    );
  }

  userId(): Promise<string> {
    return this.page.evaluate(() => window.atrium?.office.self?.user.user_id ?? "");
  }

  /** What the page's own controls say. */
  async badge(): Promise<{ text: string; media: string; changing: string }> {
    const badge = this.page.locator(".badge");
    const [text, media, changing] = await Promise.all([
      badge.textContent(),
      badge.getAttribute("data-topology"),
      badge.getAttribute("data-changing"),
    ]);
    return { text: text ?? "", media: media ?? "", changing: changing ?? "" };
  }

  async settled(media: string, within = 20_000): Promise<void> {
    await until(
      `${this.name}'s badge says ${media}`,
      async () => {
        const badge = await this.badge();
        if (badge.media !== media || badge.changing !== "") throw new Error(`it says ${JSON.stringify(badge)}`);
        return true;
      },
      { within },
    );
  }

  /** The browser's own figures, not the page's. */
  snapshot(): Promise<Snapshot> {
    return this.page.evaluate(snapshot);
  }

  stats() {
    return this.page.evaluate(() => window.atrium?.stats());
  }

  async notice(key: string): Promise<string | undefined> {
    const banner = this.page.locator(`[data-notice="${key}"]`).first();
    return (await banner.textContent({ timeout: 200 }).catch(() => null)) ?? undefined;
  }

  /** Walks to a place on the map. */
  async walkTo(x: number, y: number): Promise<void> {
    await until(`${this.name} has a way to ${x},${y}`, () =>
      this.page.evaluate((target) => window.atrium?.walkTo(target), { x, y }),
    );
    await until(`${this.name} walked to ${x},${y}`, async () => {
      const at = await this.page.evaluate(() => window.atrium?.office.self?.position);
      return at && Math.hypot(at.x - x, at.y - y) < 0.2;
    });
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

  async screenshot(name: string): Promise<void> {
    mkdirSync(RESULTS, { recursive: true });
    await this.page.screenshot({ path: join(RESULTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}
