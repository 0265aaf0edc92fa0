import { arrange, type Bounds, type Bubble, glide, type Obstacle } from "./bubbles";
import type { Camera } from "./camera";
import type { Point } from "./grid";
import type { Figure } from "./scene";

/** The picture of a person that is carried beside their avatar. */
export interface Tile {
  element: HTMLElement;
  at: Point | undefined;
}

/** Where the page's own controls leave room for pictures, in CSS pixels from the window's edges. */
export interface Insets {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

/** Carries people's pictures along with their avatars. The page adds and removes them; here they are only moved. */
export class Carrier {
  private readonly tiles: ReadonlyMap<string, Tile>;
  private readonly camera: Camera;
  private readonly insets: Insets;

  constructor(tiles: ReadonlyMap<string, Tile>, camera: Camera, insets: Insets) {
    this.tiles = tiles;
    this.camera = camera;
    this.insets = insets;
  }

  /** Whether a picture with the name on it floats beside that avatar. */
  has(userId: string): boolean {
    const tile = this.tiles.get(userId);
    return tile !== undefined && tile.element.offsetWidth > 0;
  }

  /** `floating`: beside the avatars; else the page's layout puts them elsewhere. */
  carry(
    figures: ReadonlyMap<string, Figure>,
    floating: boolean,
    speaking: (userId: string) => boolean,
    dt: number,
  ): void {
    const carried: { tile: Tile; bubble: Bubble }[] = [];
    for (const [id, tile] of this.tiles) {
      tile.element.classList.toggle("speaking", speaking(id));
      const figure = figures.get(id);
      if (!floating || !figure) {
        if (tile.at) {
          tile.at = undefined;
          tile.element.style.transform = "";
        }
        continue;
      }
      const width = tile.element.offsetWidth;
      const height = tile.element.offsetHeight;
      if (width === 0) {
        tile.at = undefined;
        continue;
      }
      const feet = this.camera.toScreen(figure);
      const wish = { x: feet.x, y: feet.y - 1.16 * this.camera.tile - height / 2 };
      carried.push({ tile, bubble: { wish, width, height, at: tile.at ?? wish } });
    }
    const places = arrange(
      carried.map((c) => c.bubble),
      this.bounds(),
      [...figures.values()].map((f) => this.outline(f)),
    );
    carried.forEach(({ tile, bubble }, i) => {
      const at = glide(bubble.at, places[i] as Point, dt);
      tile.at = at;
      tile.element.style.transform = `translate(${at.x - bubble.width / 2}px, ${at.y - bubble.height / 2}px)`;
    });
  }

  private bounds(): Bounds {
    const { top, right, bottom, left } = this.insets;
    return { left, top, right: this.camera.width - right, bottom: this.camera.height - bottom };
  }

  /** The room an avatar takes on the screen, a little less than it is, so that bubbles still come near. */
  private outline(figure: Figure): Obstacle {
    const { x, y } = this.camera.toScreen(figure);
    const t = this.camera.tile;
    return { x, y: y - 0.54 * t, width: 0.6 * t, height: 1.2 * t };
  }
}
