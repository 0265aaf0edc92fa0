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

/** What the map is painted with. */
export interface Theme {
  zones: Record<string, ZoneStyle>;
  wall: { cap: string; capEdge: string; face: string; faceLow: string; outline: string };
  /** Outside of the world. */
  beyond: string;
  /** Over the rooms that one is not in. */
  shade: string;
  /** What walls throw: red, green, blue, and how strong. */
  shadow: readonly [number, number, number, number];
}

const DARK: Theme = {
  zones: {
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
  },
  wall: { cap: "#4d5369", capEdge: "#646b84", face: "#d9d3c7", faceLow: "#b9b2a6", outline: "#1d202b" },
  beyond: "#14161f",
  shade: "rgba(11, 12, 19, 0.24)",
  shadow: [8, 9, 14, 1],
};

const LIGHT: Theme = {
  zones: {
    OpenArea: {
      label: "Open area",
      floor: "#dcc9ae",
      floorAlt: "#d5c0a2",
      line: "#c7b08f",
      accent: "#8a5f22",
      texture: "planks",
    },
    TeamArea: {
      label: "Team area",
      floor: "#c2dbcf",
      floorAlt: "#b9d4c7",
      line: "#aac8b9",
      accent: "#1f7a5c",
      texture: "carpet",
    },
    MeetingRoom: {
      label: "Meeting room",
      floor: "#c8d4ec",
      floorAlt: "#bfcde8",
      line: "#afbfdf",
      accent: "#2f5fb3",
      texture: "tiles",
    },
    PrivateRoom: {
      label: "Private room",
      floor: "#e6d0df",
      floorAlt: "#dfc6d7",
      line: "#d1b3c8",
      accent: "#a1437f",
      texture: "rug",
    },
  },
  wall: { cap: "#98a0b8", capEdge: "#b4bbd0", face: "#f8f5ee", faceLow: "#e5dfd3", outline: "#8189a0" },
  beyond: "#e4e8f1",
  shade: "rgba(44, 54, 84, 0.2)",
  shadow: [40, 44, 66, 0.5],
};

const preference = globalThis.matchMedia?.("(prefers-color-scheme: light)");

/** The map's colours for the scheme that the person prefers; the same object until that changes. */
export function theme(): Theme {
  return preference?.matches ? LIGHT : DARK;
}

export function zoneStyle(type: string): ZoneStyle {
  const { zones } = theme();
  return zones[type] ?? (zones.OpenArea as ZoneStyle);
}

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
