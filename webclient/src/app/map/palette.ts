/** Avatar colours. The id goes over the wire as avatar_id, so ids stay; colours may be tuned. */
export const AVATARS = [
  { id: "sky", name: "Sky", color: "#5bb2f5" },
  { id: "mint", name: "Mint", color: "#4fcf9d" },
  { id: "coral", name: "Coral", color: "#f5786b" },
  { id: "amber", name: "Amber", color: "#f2b544" },
  { id: "violet", name: "Violet", color: "#a386f2" },
  { id: "rose", name: "Rose", color: "#ee7fb5" },
  { id: "lime", name: "Lime", color: "#a5cf4f" },
  { id: "teal", name: "Teal", color: "#45bfc9" },
] as const;

/** The colour of an avatar; one that this client does not know gets a steady colour of its own. */
export function avatarColor(avatarId: string): string {
  const known = AVATARS.find((a) => a.id === avatarId);
  if (known) return known.color;
  let hash = 0;
  for (const c of avatarId) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return (AVATARS[hash % AVATARS.length] as (typeof AVATARS)[number]).color;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) as string)][0] ?? "") : "";
  return (first + last).toUpperCase();
}

export interface ZoneStyle {
  label: string;
  floor: string;
  floorAlt: string;
  line: string;
  accent: string;
  texture: "planks" | "carpet" | "tiles" | "rug";
}

const ZONES: Record<string, ZoneStyle> = {
  OpenArea: {
    label: "Open area",
    floor: "#5b4a3f",
    floorAlt: "#624f43",
    line: "#4e3f36",
    accent: "#e6c79c",
    texture: "planks",
  },
  TeamArea: {
    label: "Team area",
    floor: "#2f4f4a",
    floorAlt: "#335650",
    line: "#2a433f",
    accent: "#6fd3b5",
    texture: "carpet",
  },
  MeetingRoom: {
    label: "Meeting room",
    floor: "#33415f",
    floorAlt: "#384768",
    line: "#2d3a56",
    accent: "#82b4ff",
    texture: "tiles",
  },
  PrivateRoom: {
    label: "Private room",
    floor: "#523a4c",
    floorAlt: "#594053",
    line: "#493345",
    accent: "#f0a3cf",
    texture: "rug",
  },
};

export function zoneStyle(type: string): ZoneStyle {
  return ZONES[type] ?? (ZONES.OpenArea as ZoneStyle);
}

export const WALL = { cap: "#4d5369", capEdge: "#646b84", face: "#d9d3c7", faceLow: "#b9b2a6", outline: "#1d202b" };
export const VOID = "#14161f";

/** Mixes a hex colour towards white (amount > 0) or black (amount < 0). */
export function shade(hex: string, amount: number): string {
  const value = Number.parseInt(hex.slice(1), 16);
  const towards = amount > 0 ? 255 : 0;
  const part = Math.abs(amount);
  const mix = (c: number) => Math.round(c + (towards - c) * part);
  return `rgb(${mix(value >> 16)}, ${mix((value >> 8) & 255)}, ${mix(value & 255)})`;
}

/** Black or white, whichever reads better on the colour. */
export function inkOn(hex: string): string {
  const value = Number.parseInt(hex.slice(1), 16);
  const light = 0.299 * (value >> 16) + 0.587 * ((value >> 8) & 255) + 0.114 * (value & 255);
  return light > 140 ? "#1b1d26" : "#ffffff";
}
