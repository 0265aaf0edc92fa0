import type { Facing, ObjectDescription } from "../../sdk";
import { shade } from "./palette";

type Pen = CanvasRenderingContext2D;
type Draw = (pen: Pen, t: number, used: boolean) => void;

function box(pen: Pen, x: number, y: number, w: number, h: number, r: number, fill: string): void {
  pen.fillStyle = fill;
  pen.beginPath();
  pen.roundRect(x, y, w, h, r);
  pen.fill();
}

function shadow(pen: Pen, t: number, w: number, h: number, y: number): void {
  pen.fillStyle = "rgba(8, 9, 14, 0.26)";
  pen.beginPath();
  pen.ellipse(0, y * t, (w * t) / 2, (h * t) / 2.6, 0, 0, Math.PI * 2);
  pen.fill();
}

// Each drawing has its origin in the middle of the tile and may rise above it, never below.

const SEAT = { back: "#a95a3a", frame: "#c06c45", cushion: "#da8a5f" };

/** A seat without what of it stands before whoever sits on it. */
function seatUnder(pen: Pen, t: number, facing: Facing): void {
  shadow(pen, t, 0.7, 0.34, 0.26);
  if (facing === "south") box(pen, -0.26 * t, -0.4 * t, 0.52 * t, 0.36 * t, 0.12 * t, SEAT.back);
  if (facing === "east") box(pen, -0.33 * t, -0.38 * t, 0.15 * t, 0.56 * t, 0.07 * t, SEAT.back);
  if (facing === "west") box(pen, 0.18 * t, -0.38 * t, 0.15 * t, 0.56 * t, 0.07 * t, SEAT.back);
  box(pen, -0.3 * t, -0.14 * t, 0.6 * t, 0.4 * t, 0.14 * t, SEAT.frame);
  box(pen, -0.24 * t, -0.11 * t, 0.48 * t, 0.27 * t, 0.1 * t, SEAT.cushion);
}

/** Of a seat that is seen from behind: its back. */
export function drawSeatOver(pen: Pen, t: number): void {
  box(pen, -0.27 * t, -0.26 * t, 0.54 * t, 0.42 * t, 0.13 * t, SEAT.back);
  box(pen, -0.21 * t, -0.2 * t, 0.42 * t, 0.1 * t, 0.05 * t, "rgba(255, 255, 255, 0.14)");
}

const desk: Draw = (pen, t, used) => {
  shadow(pen, t, 1.02, 0.4, 0.36);
  box(pen, -0.42 * t, 0.05 * t, 0.12 * t, 0.36 * t, 2, "#6b4d36");
  box(pen, 0.3 * t, 0.05 * t, 0.12 * t, 0.36 * t, 2, "#6b4d36");
  box(pen, -0.5 * t, -0.26 * t, t, 0.5 * t, 0.06 * t, "#8c6647");
  box(pen, -0.5 * t, -0.3 * t, t, 0.46 * t, 0.06 * t, "#a97f59");
  // A screen with light on it, and a keyboard.
  box(pen, -0.22 * t, -0.52 * t, 0.44 * t, 0.3 * t, 0.04 * t, "#20242f");
  box(pen, -0.19 * t, -0.49 * t, 0.38 * t, 0.23 * t, 0.02 * t, used ? "#8fd0ff" : "#31445a");
  if (used) {
    box(pen, -0.15 * t, -0.45 * t, 0.2 * t, 0.03 * t, 1, "#f4f9ff");
    box(pen, -0.15 * t, -0.39 * t, 0.28 * t, 0.03 * t, 1, "#cfe8fb");
    box(pen, -0.15 * t, -0.33 * t, 0.14 * t, 0.03 * t, 1, "#cfe8fb");
  }
  box(pen, -0.03 * t, -0.23 * t, 0.06 * t, 0.08 * t, 0, "#20242f");
  box(pen, -0.18 * t, -0.08 * t, 0.36 * t, 0.1 * t, 0.02 * t, "#d9dbe2");
};

const table: Draw = (pen, t) => {
  shadow(pen, t, 1, 0.4, 0.34);
  box(pen, -0.5 * t, -0.28 * t, t, 0.62 * t, 0.1 * t, "#7d5b41");
  box(pen, -0.5 * t, -0.34 * t, t, 0.58 * t, 0.1 * t, "#a27a57");
  box(pen, -0.42 * t, -0.28 * t, 0.84 * t, 0.1 * t, 0.05 * t, "rgba(255,255,255,0.12)");
};

const whiteboard: Draw = (pen, t) => {
  shadow(pen, t, 1.1, 0.26, 0.36);
  box(pen, -0.46 * t, -0.1 * t, 0.06 * t, 0.5 * t, 0, "#8b93a8");
  box(pen, 0.4 * t, -0.1 * t, 0.06 * t, 0.5 * t, 0, "#8b93a8");
  box(pen, -0.56 * t, -0.72 * t, 1.12 * t, 0.8 * t, 0.05 * t, "#aab2c5");
  box(pen, -0.5 * t, -0.66 * t, t, 0.66 * t, 0.03 * t, "#f4f6fa");
  pen.lineWidth = Math.max(1.2, t * 0.035);
  pen.lineCap = "round";
  const stroke = (color: string, ...points: [number, number][]) => {
    pen.strokeStyle = color;
    pen.beginPath();
    points.forEach(([x, y], i) => {
      if (i === 0) pen.moveTo(x * t, y * t);
      else pen.lineTo(x * t, y * t);
    });
    pen.stroke();
  };
  stroke("#4d7bd8", [-0.4, -0.16], [-0.26, -0.34], [-0.14, -0.26], [0.04, -0.5]);
  stroke("#d8584d", [0.14, -0.52], [0.4, -0.52]);
  stroke("#8a93a5", [0.14, -0.38], [0.36, -0.38]);
  stroke("#8a93a5", [0.14, -0.26], [0.4, -0.26]);
};

const plant: Draw = (pen, t) => {
  shadow(pen, t, 0.6, 0.28, 0.34);
  const leaf = (angle: number, length: number, color: string) => {
    pen.save();
    pen.translate(0, 0.02 * t);
    pen.rotate(angle);
    pen.fillStyle = color;
    pen.beginPath();
    pen.ellipse(0, -length * t * 0.55, 0.11 * t, length * t * 0.5, 0, 0, Math.PI * 2);
    pen.fill();
    pen.restore();
  };
  leaf(-1.05, 0.52, "#2f7d55");
  leaf(1.05, 0.52, "#2f7d55");
  leaf(-0.55, 0.68, "#3a9a68");
  leaf(0.55, 0.68, "#3a9a68");
  leaf(0, 0.8, "#4cb67d");
  box(pen, -0.2 * t, 0.02 * t, 0.4 * t, 0.34 * t, 0.08 * t, "#b97750");
  box(pen, -0.24 * t, 0, 0.48 * t, 0.12 * t, 0.04 * t, "#cf8a60");
};

const sofa: Draw = (pen, t) => {
  shadow(pen, t, 1.1, 0.36, 0.34);
  box(pen, -0.5 * t, -0.4 * t, t, 0.44 * t, 0.14 * t, "#4b5f9e");
  box(pen, -0.46 * t, -0.12 * t, 0.92 * t, 0.44 * t, 0.12 * t, "#5d73b8");
  box(pen, -0.5 * t, -0.16 * t, 0.16 * t, 0.46 * t, 0.08 * t, "#4b5f9e");
  box(pen, 0.34 * t, -0.16 * t, 0.16 * t, 0.46 * t, 0.08 * t, "#4b5f9e");
};

const coffee: Draw = (pen, t) => {
  shadow(pen, t, 0.86, 0.32, 0.36);
  box(pen, -0.4 * t, -0.1 * t, 0.8 * t, 0.48 * t, 0.06 * t, "#59617a");
  box(pen, -0.26 * t, -0.62 * t, 0.52 * t, 0.62 * t, 0.08 * t, "#2b303f");
  box(pen, -0.18 * t, -0.54 * t, 0.36 * t, 0.12 * t, 0.03 * t, "#e2694f");
  box(pen, -0.12 * t, -0.26 * t, 0.24 * t, 0.2 * t, 0.03 * t, "#e9ebf1");
};

const lamp: Draw = (pen, t) => {
  shadow(pen, t, 0.44, 0.2, 0.36);
  const glow = pen.createRadialGradient(0, -0.5 * t, 0, 0, -0.5 * t, 0.9 * t);
  glow.addColorStop(0, "rgba(255, 214, 130, 0.35)");
  glow.addColorStop(1, "rgba(255, 214, 130, 0)");
  pen.fillStyle = glow;
  pen.fillRect(-t, -1.5 * t, 2 * t, 2 * t);
  box(pen, -0.03 * t, -0.5 * t, 0.06 * t, 0.86 * t, 0, "#8b93a8");
  box(pen, -0.18 * t, 0.3 * t, 0.36 * t, 0.1 * t, 0.05 * t, "#59617a");
  pen.fillStyle = "#ffd98f";
  pen.beginPath();
  pen.moveTo(-0.14 * t, -0.78 * t);
  pen.lineTo(0.14 * t, -0.78 * t);
  pen.lineTo(0.26 * t, -0.44 * t);
  pen.lineTo(-0.26 * t, -0.44 * t);
  pen.closePath();
  pen.fill();
};

const shelf: Draw = (pen, t) => {
  shadow(pen, t, 1, 0.3, 0.36);
  box(pen, -0.48 * t, -0.7 * t, 0.96 * t, 1.08 * t, 0.05 * t, "#6b4d36");
  const books = ["#d8584d", "#4d7bd8", "#e7b04c", "#58a87b", "#9c7be0", "#cfd3dd"];
  for (let row = 0; row < 2; row++) {
    box(pen, -0.42 * t, (-0.63 + row * 0.5) * t, 0.84 * t, 0.4 * t, 2, "#3f2d20");
    for (let i = 0; i < 6; i++) {
      const high = 0.26 + ((i * 7 + row * 3) % 4) * 0.035;
      box(
        pen,
        (-0.39 + i * 0.135) * t,
        (-0.23 + row * 0.5 - high) * t,
        0.11 * t,
        high * t,
        1,
        books[(i + row * 2) % 6] as string,
      );
    }
  }
};

const unknown: Draw = (pen, t) => {
  shadow(pen, t, 0.8, 0.34, 0.32);
  box(pen, -0.36 * t, -0.3 * t, 0.72 * t, 0.64 * t, 0.08 * t, "#5a6178");
  box(pen, -0.36 * t, -0.36 * t, 0.72 * t, 0.4 * t, 0.08 * t, shade("#5a6178", 0.2));
};

/** Kinds come from the map; one that this client does not know is drawn as a crate rather than not at all. */
const KINDS: [RegExp, Draw][] = [
  [/sofa|couch|bench/, sofa],
  [/white ?board|board/, whiteboard],
  [/desk|workstation/, desk],
  [/table/, table],
  [/plant|tree|fern/, plant],
  [/coffee|kitchen|water/, coffee],
  [/lamp|light/, lamp],
  [/shel|book/, shelf],
];

const SEATS = /chair|stool|seat/;

export const isSeat = (object: ObjectDescription): boolean => SEATS.test(object.kind.toLowerCase());

/** How a thing stands in the world. */
export interface Setting {
  /** It is in a room for meetings, where desks pushed together are a table and carry no screens. */
  room: boolean;
  /** Which way a seat is turned. */
  facing: Facing;
  /** Someone has it in hand. */
  used: boolean;
}

export function drawObject(pen: Pen, object: ObjectDescription, t: number, setting: Setting): void {
  if (isSeat(object)) {
    seatUnder(pen, t, setting.facing);
    return;
  }
  const kind = object.kind.toLowerCase();
  const draw =
    setting.room && kind === "desk" ? table : (KINDS.find(([pattern]) => pattern.test(kind))?.[1] ?? unknown);
  draw(pen, t, setting.used);
}

/** On the floor around a thing: who has it, by their colour, or that the key would use it. */
export function drawMark(pen: Pen, t: number, color: string, strength: number): void {
  pen.globalAlpha = strength;
  pen.strokeStyle = color;
  pen.lineWidth = Math.max(2, t * 0.06);
  pen.beginPath();
  pen.roundRect(-0.52 * t, -0.46 * t, 1.04 * t, 0.96 * t, 0.2 * t);
  pen.stroke();
  pen.globalAlpha = 1;
}

/** A closed door on the edge between two tiles; the origin is the edge's middle. `along`: it is seen from the front. */
export function drawClosedDoor(pen: Pen, t: number, along: boolean): void {
  if (!along) {
    box(pen, -0.1 * t, -0.95 * t, 0.2 * t, 1.45 * t, 0.05 * t, "#6a4630");
    box(pen, -0.06 * t, -0.9 * t, 0.12 * t, 1.3 * t, 0.03 * t, "#8a5d3f");
    return;
  }
  box(pen, -0.5 * t, -t, t, t, 0, "#5b3b28");
  box(pen, -0.46 * t, -0.96 * t, 0.92 * t, 0.94 * t, 0.05 * t, "#8a5d3f");
  box(pen, -0.36 * t, -0.86 * t, 0.72 * t, 0.3 * t, 0.03 * t, "#774e34");
  box(pen, -0.36 * t, -0.48 * t, 0.72 * t, 0.36 * t, 0.03 * t, "#774e34");
  // A lock says that it is not only ajar.
  box(pen, -0.09 * t, -0.54 * t, 0.18 * t, 0.16 * t, 0.03 * t, "#f0c667");
  pen.strokeStyle = "#f0c667";
  pen.lineWidth = Math.max(1.5, t * 0.045);
  pen.beginPath();
  pen.arc(0, -0.54 * t, 0.065 * t, Math.PI, 0);
  pen.stroke();
}
