import type { Visitor } from "./browser";
import { Machine } from "./machine";
import { Stalls } from "./stall";

/** What one page showed of one person while it was watched. Times in milliseconds. */
export interface Shown {
  frames: number;
  longestGap: number;
  /** When the longest gap began, from the start of the watch. */
  at: number;
}

interface Meter {
  stop(): Record<string, Shown>;
}

interface Metered {
  __meter?: Meter;
}

/**
 * Runs in the page: notes when the picture of each person changes on the screen. A frame counts when its video element
 * is the one to be seen: shown, not transparent, and above the others of that person's tile. So a hand-over that hides
 * a picture too early, or shows the new one before it has a frame, is a gap here, whatever the statistics say.
 */
function startMeter(): void {
  const begun = performance.now();
  const people = new Map<string, { frames: number; last: number; longest: number; at: number }>();
  const watched = new WeakSet<HTMLVideoElement>();
  let running = true;

  const visible = (video: HTMLVideoElement) => {
    const box = video.getBoundingClientRect();
    return (
      video.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && box.width > 0 && box.height > 0
    );
  };
  const onTop = (video: HTMLVideoElement) => {
    const all = [...(video.closest(".tile")?.querySelectorAll("video") ?? [])].filter(visible);
    const layer = (v: HTMLVideoElement) => Number.parseInt(getComputedStyle(v).zIndex, 10) || 0;
    const top = all.reduce<HTMLVideoElement | undefined>((a, b) => (a && layer(a) > layer(b) ? a : b), undefined);
    return top === video;
  };
  const note = (user: string, now: number, frame: boolean) => {
    const person = people.get(user);
    if (!person) {
      if (frame) people.set(user, { frames: 1, last: now, longest: 0, at: 0 });
      return;
    }
    if (now - person.last > person.longest) {
      person.longest = now - person.last;
      person.at = person.last - begun;
    }
    if (frame) {
      person.frames++;
      person.last = now;
    }
  };
  const watch = (video: HTMLVideoElement) => {
    if (watched.has(video)) return;
    watched.add(video);
    const frame = (now: number) => {
      if (!running) return;
      const user = video.closest<HTMLElement>(".tile")?.dataset.user;
      if (user && onTop(video)) note(user, now, true);
      video.requestVideoFrameCallback(frame);
    };
    video.requestVideoFrameCallback(frame);
  };
  const look = () => {
    if (!running) return;
    for (const video of document.querySelectorAll<HTMLVideoElement>(".tile video")) watch(video);
    requestAnimationFrame(look);
  };
  look();

  (window as Metered).__meter = {
    stop() {
      running = false;
      const now = performance.now();
      const result: Record<string, Shown> = {};
      for (const [user, person] of people) {
        note(user, now, false);
        result[user] = { frames: person.frames, longestGap: Math.round(person.longest), at: Math.round(person.at) };
      }
      return result;
    },
  };
}

/** One row of what a switch cost: what `page` saw and heard of `of`. */
export interface Cost {
  page: string;
  of: string;
  frames: number;
  gapMs: number;
  gapAt: number;
  concealedSamples: number;
  /** The longer one of both pages' stalls. */
  stallMs: number;
}

/** What a watch found, and the share of the machine that others took meanwhile. */
export interface Figures {
  costs: Cost[];
  taken: number;
}

/** Watches several pages through a change; `stop` tells what it cost each page, for each of the others. */
export class Watch {
  private readonly visitors: Visitor[];
  private readonly names = new Map<string, string>();
  private readonly before = new Map<string, number>();
  private readonly machine = new Machine();
  private stalls: Stalls | undefined;

  private constructor(visitors: Visitor[]) {
    this.visitors = visitors;
  }

  static async start(visitors: Visitor[]): Promise<Watch> {
    const watch = new Watch(visitors);
    await Promise.all(
      visitors.map(async (v) => {
        await v.page.evaluate(startMeter);
        watch.names.set(await v.userId(), v.name);
        for (const p of (await v.stats())?.peers ?? []) {
          watch.before.set(`${v.name} ${p.user_id}`, p.audio.concealedSamples);
        }
      }),
    );
    watch.stalls = await Stalls.start(visitors);
    return watch;
  }

  async stop(): Promise<Figures> {
    const taken = this.machine.taken();
    const seen = await Promise.all(
      this.visitors.map(async (visitor) => ({
        name: visitor.name,
        peers: (await visitor.stats())?.peers ?? [],
        people: (await visitor.page.evaluate(() => (window as Metered).__meter?.stop())) ?? {},
      })),
    );
    const stalls = (await this.stalls?.stop()) ?? new Map<string, number>();
    const costs = seen.flatMap(({ name, peers, people }) =>
      peers.map((p): Cost => {
        const picture = people[p.user_id];
        const of = this.names.get(p.user_id) ?? p.user_id;
        return {
          page: name,
          of,
          stallMs: Math.max(stalls.get(name) ?? 0, stalls.get(of) ?? 0),
          frames: picture?.frames ?? 0,
          gapMs: picture?.longestGap ?? Number.POSITIVE_INFINITY,
          gapAt: picture?.at ?? 0,
          concealedSamples: p.audio.concealedSamples - (this.before.get(`${name} ${p.user_id}`) ?? 0),
        };
      }),
    );
    return { costs, taken };
  }
}

export function printFigures(title: string, { costs, taken }: Figures): void {
  console.log(`\n  ${title} (others took ${Math.round(taken * 100)} % of the machine)`);
  console.log("    page     sees     frames  longest gap (at)      stall  concealed samples");
  for (const c of costs) {
    const gap = `${c.gapMs} ms (${(c.gapAt / 1000).toFixed(1)} s)`;
    console.log(
      `    ${c.page.padEnd(8)} ${c.of.padEnd(8)} ${String(c.frames).padStart(6)}  ${gap.padEnd(20)} ${String(c.stallMs).padStart(6)}  ${String(c.concealedSamples).padStart(6)} = ${(c.concealedSamples / 48).toFixed(1)} ms`,
    );
  }
  console.log("");
}
