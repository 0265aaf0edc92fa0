import type { Office } from "../../sdk";

/** How often the pictures are measured; the SFU takes ten such messages a second. */
const LOOK_MS = 500;
/** A size that changed by less is not worth telling: the layers of a camera are a factor of two apart. */
const WORTH = 1.2;
/** Of who is out of sight: the smallest layer, so that the picture is there at once when they come back. */
const OUT_OF_SIGHT = 1;

/** Heights in pixels of the screen, by user_id. */
export type Sizes = Record<string, number>;

/** Whether the SFU should hear of it. Pure. */
export function differ(a: Sizes, b: Sizes): boolean {
  const users = Object.keys(b);
  if (users.length !== Object.keys(a).length) return true;
  return users.some((user) => {
    const [was, is] = [a[user], b[user]];
    return was === undefined || is === undefined || is > was * WORTH || was > is * WORTH;
  });
}

/** How high each picture within an element is shown. */
export function measure(within: HTMLElement, pixelRatio: number, width: number, height: number): Sizes {
  const sizes: Sizes = {};
  for (const tile of within.querySelectorAll<HTMLElement>(".tile[data-user]")) {
    const user = tile.dataset.user;
    if (!user) continue;
    const box = tile.getBoundingClientRect();
    const seen = box.bottom > 0 && box.right > 0 && box.top < height && box.left < width;
    sizes[user] = seen ? Math.max(OUT_OF_SIGHT, Math.round(box.height * pixelRatio)) : OUT_OF_SIGHT;
  }
  return sizes;
}

/** Tells the SFU how high people's pictures are shown, now and whenever that changes; gives what ends it. */
export function tellSizes(office: Office, within: () => HTMLElement | null): () => void {
  let told: Sizes = {};
  const look = () => {
    const element = within();
    if (!element) return;
    const sizes = measure(element, window.devicePixelRatio, window.innerWidth, window.innerHeight);
    if (!differ(told, sizes)) return;
    told = sizes;
    office.view({ sizes });
  };
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}
