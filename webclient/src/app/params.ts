import type { CaptureOptions, VideoCodec } from "../sdk";

/** What the page's address asks for; for demos and tests. */
export interface Params {
  name: string;
  /** An avatar's id (see map/palette.ts). */
  avatar: string;
  /** A world's id or name. */
  world: string;
  /** A zone's id or name to walk into after arriving. */
  zone: string;
  /** Skip the login. */
  auto: boolean;
  mic: boolean;
  camera: boolean;
  capture: CaptureOptions;
  /** The camera in three layers; "auto": as the SDK thinks best. */
  simulcast: boolean | "auto";
  /** What the camera is sent in to the SFU. */
  codec: VideoCodec;
  /** A token made by `atrium token`, from the address's fragment, which browsers do not send to servers. */
  token: string;
}

const codecs: readonly VideoCodec[] = ["vp8", "h264", "vp9", "av1"];

/** Reads `?name=&world=&zone=&capture=320x240@15&auto=1&mic=0&camera=0&simulcast=1&codec=vp9#token=…`. */
export function readParams(location: { search: string; hash: string }): Params {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ""));
  const on = (name: string, normally: boolean) => {
    const value = query.get(name);
    return value === null ? normally : value !== "0" && value !== "false";
  };
  return {
    name: query.get("name")?.trim() ?? "",
    avatar: query.get("avatar")?.trim() ?? "",
    world: query.get("world")?.trim() ?? "",
    zone: query.get("zone")?.trim() ?? "",
    auto: on("auto", false),
    mic: on("mic", true),
    camera: on("camera", true),
    capture: parseCapture(query.get("capture") ?? ""),
    simulcast: query.has("simulcast") ? on("simulcast", true) : "auto",
    codec: codecs.find((c) => c === query.get("codec")) ?? "vp8",
    token: fragment.get("token") ?? "",
  };
}

/** `320x240@15` as constraints; anything else is the SDK's default. */
function parseCapture(text: string): CaptureOptions {
  const match = /^(\d{2,4})x(\d{2,4})(?:@(\d{1,3}))?$/.exec(text);
  if (!match) return {};
  const [, width, height, rate] = match;
  return {
    video: {
      width: { ideal: Number(width) },
      height: { ideal: Number(height) },
      ...(rate ? { frameRate: { ideal: Number(rate), max: Number(rate) } } : {}),
    },
  };
}
