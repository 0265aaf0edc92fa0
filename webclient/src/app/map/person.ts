import type { Facing } from "../../sdk";
import { initials, inkOn, shade } from "./palette";

/** What an avatar looks like in one frame. */
export interface Look {
  name: string;
  color: string;
  facing: Facing;
  walking: boolean;
  sitting: boolean;
  /** Seconds, for the walk's bob and the speaking ring's pulse. */
  time: number;
  speaking: boolean;
  muted: boolean;
  /** Muted by a moderator. */
  silenced: boolean;
  /** Oneself: a marker on the floor says which one. */
  self: boolean;
  /** In the grace after a lost connection; drawn faded. */
  faded: boolean;
}

/** Draws an avatar whose feet stand at the pen's origin. `t` is the size of a tile in pixels. */
export function drawPerson(pen: CanvasRenderingContext2D, look: Look, t: number): void {
  const stride = look.walking ? Math.sin(look.time * 11) : 0;
  const bob = look.walking ? Math.abs(Math.cos(look.time * 11)) * 0.05 * t : 0;
  const breathe = look.walking ? 0 : Math.sin(look.time * 2.2) * 0.008 * t;
  const low = look.sitting ? 0.1 * t : 0;
  const dark = shade(look.color, -0.38);
  pen.save();
  if (look.faded) pen.globalAlpha = 0.45;

  floorMarks(pen, look, t);

  // Legs.
  if (!look.sitting) {
    pen.fillStyle = dark;
    for (const side of [-1, 1]) {
      const lift = Math.max(0, stride * side) * 0.08 * t;
      pen.beginPath();
      pen.roundRect(side * 0.11 * t - 0.075 * t, -0.2 * t - lift, 0.15 * t, 0.22 * t, 0.06 * t);
      pen.fill();
    }
  }

  pen.translate(0, low - bob);
  // Body: a rounded bell, lit from above.
  const coat = pen.createLinearGradient(0, -0.72 * t, 0, -0.1 * t);
  coat.addColorStop(0, shade(look.color, 0.14));
  coat.addColorStop(1, shade(look.color, -0.2));
  pen.fillStyle = coat;
  pen.beginPath();
  pen.roundRect(-0.27 * t, -0.66 * t - breathe, 0.54 * t, 0.54 * t + breathe, [0.24 * t, 0.24 * t, 0.12 * t, 0.12 * t]);
  pen.fill();

  const head = -0.84 * t - breathe;
  headOf(pen, look, t, head);

  pen.fillStyle = inkOn(look.color);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `700 ${0.19 * t}px "Inter", system-ui, sans-serif`;
  if (look.facing !== "north") pen.fillText(initials(look.name), 0, -0.33 * t);
  pen.restore();
}

function floorMarks(pen: CanvasRenderingContext2D, look: Look, t: number): void {
  if (look.speaking) {
    const pulse = 0.5 + 0.5 * Math.sin(look.time * 7);
    pen.strokeStyle = `rgba(120, 230, 160, ${0.55 + 0.4 * pulse})`;
    pen.lineWidth = t * 0.06;
    pen.beginPath();
    pen.ellipse(0, 0, t * (0.46 + 0.05 * pulse), t * (0.24 + 0.025 * pulse), 0, 0, Math.PI * 2);
    pen.stroke();
  }
  if (look.self) {
    pen.fillStyle = "rgba(255, 255, 255, 0.16)";
    pen.strokeStyle = "rgba(255, 255, 255, 0.55)";
    pen.lineWidth = t * 0.03;
    pen.beginPath();
    pen.ellipse(0, 0, 0.4 * t, 0.2 * t, 0, 0, Math.PI * 2);
    pen.fill();
    pen.stroke();
  }
  pen.fillStyle = "rgba(8, 9, 14, 0.4)";
  pen.beginPath();
  pen.ellipse(0, 0, 0.32 * t, 0.14 * t, 0, 0, Math.PI * 2);
  pen.fill();
}

function headOf(pen: CanvasRenderingContext2D, look: Look, t: number, y: number): void {
  // Hair first, then the face cut out of it by the head's round: seen from behind there is none, from the side half.
  pen.fillStyle = shade(look.color, -0.42);
  pen.beginPath();
  pen.arc(0, y, 0.25 * t, 0, Math.PI * 2);
  pen.fill();
  if (look.facing !== "north") {
    const turn = look.facing === "east" ? 0.11 : look.facing === "west" ? -0.11 : 0;
    const skin = pen.createRadialGradient(turn * t, y - 0.02 * t, 0.02 * t, turn * t, y + 0.06 * t, 0.26 * t);
    skin.addColorStop(0, shade(look.color, 0.66));
    skin.addColorStop(1, shade(look.color, 0.4));
    pen.save();
    pen.clip();
    pen.fillStyle = skin;
    pen.beginPath();
    pen.ellipse(turn * t, y + 0.09 * t, 0.225 * t, 0.21 * t, 0, 0, Math.PI * 2);
    pen.fill();
    pen.restore();
  }
  if (look.facing === "north") return;
  const shift = look.facing === "east" ? 0.09 : look.facing === "west" ? -0.09 : 0;
  // A blink every few seconds, each person at another time.
  const blink = (look.time + look.name.length * 0.7) % 4.2 < 0.12;
  pen.fillStyle = "#23262f";
  for (const side of [-1, 1]) {
    pen.beginPath();
    pen.ellipse((side * 0.08 + shift) * t, y + 0.05 * t, 0.03 * t, (blink ? 0.006 : 0.042) * t, 0, 0, Math.PI * 2);
    pen.fill();
  }
  if (look.speaking) {
    pen.beginPath();
    pen.ellipse(
      shift * t,
      y + 0.13 * t,
      0.045 * t,
      (0.02 + 0.025 * Math.abs(Math.sin(look.time * 9))) * t,
      0,
      0,
      Math.PI * 2,
    );
    pen.fill();
  }
}

/** The pill with a name: its upper edge below the feet, and its size. */
export interface NameTag {
  readonly text: string;
  /** Of the letters. */
  readonly size: number;
  readonly icon: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function nameTag(pen: CanvasRenderingContext2D, look: Look, t: number): NameTag {
  const size = Math.max(11, Math.min(15, t * 0.24));
  pen.font = nameFont(size);
  const text = look.self ? `${look.name} (you)` : look.name;
  const icon = look.muted || look.silenced ? size * 1.05 : 0;
  const width = pen.measureText(text).width + icon + size + (look.silenced ? size * 0.2 : 0);
  return { text, size, icon, top: 0.2 * t - size * 0.03, width, height: size * 1.56 };
}

function nameFont(size: number): string {
  return `600 ${size}px "Inter", system-ui, sans-serif`;
}

/** The name under the feet, on a dark pill that reads on every floor. */
export function drawName(pen: CanvasRenderingContext2D, look: Look, tag: NameTag): void {
  const { text, size, icon, top, width, height } = tag;
  pen.font = nameFont(size);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  const y = top + height / 2;
  pen.fillStyle = "rgba(15, 17, 25, 0.78)";
  pen.beginPath();
  pen.roundRect(-width / 2, top, width, height, height / 2);
  pen.fill();
  let x = -width / 2 + size * 0.5;
  if (icon > 0) {
    // A mute of a moderator is more than a microphone that is off: the sign stands on red.
    if (look.silenced) {
      pen.fillStyle = "#d5483f";
      pen.beginPath();
      pen.arc(x + size * 0.35, y, size * 0.72, 0, Math.PI * 2);
      pen.fill();
    }
    micOff(pen, x + size * 0.35, y, size, look.silenced ? "#ffffff" : "#ff8a80");
    x += icon + (look.silenced ? size * 0.2 : 0);
  }
  pen.fillStyle = look.self ? "#ffffff" : "#dfe4f2";
  pen.fillText(text, x, y + size * 0.05);
}

function micOff(pen: CanvasRenderingContext2D, x: number, y: number, size: number, color: string): void {
  pen.strokeStyle = color;
  pen.fillStyle = color;
  pen.lineWidth = size * 0.11;
  pen.beginPath();
  pen.roundRect(x - size * 0.15, y - size * 0.48, size * 0.3, size * 0.56, size * 0.15);
  pen.fill();
  pen.beginPath();
  pen.arc(x, y - size * 0.06, size * 0.3, 0.15, Math.PI - 0.15);
  pen.moveTo(x, y + size * 0.24);
  pen.lineTo(x, y + size * 0.44);
  pen.moveTo(x - size * 0.38, y - size * 0.46);
  pen.lineTo(x + size * 0.38, y + size * 0.4);
  pen.stroke();
}
