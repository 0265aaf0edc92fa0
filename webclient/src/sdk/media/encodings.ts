/** The camera's layers on the way to the SFU. */

import type { VideoCodec } from "../options";

const MAX_BITRATE = 1_800_000;

/**
 * Three layers, the smallest first: half the lines, half the width of the next. Browsers send the first ones of a list
 * only where the picture is too small for all (Chromium: two from 480x270 on, three from 960x540 on), and so would
 * never send the largest: of those which are sent the last is the picture as it was captured, and the rest are off.
 */
const LAYERS: readonly (readonly RTCRtpEncodingParameters[])[] = [
  [{ rid: "q", scaleResolutionDownBy: 1, maxBitrate: 500_000 }, off("h"), off("f")],
  [
    { rid: "q", scaleResolutionDownBy: 2, maxBitrate: 250_000 },
    { rid: "h", scaleResolutionDownBy: 1, maxBitrate: 1_200_000 },
    off("f"),
  ],
  [
    { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: MAX_BITRATE },
  ],
];
const TWO_LAYERS = 480 * 270;
const THREE_LAYERS = 960 * 540;
/** What is assumed of a camera that is off: browsers capture 640x480 unless they are told otherwise. */
const USUAL = 640 * 480;

function off(rid: string): RTCRtpEncodingParameters {
  return { rid, active: false, scaleResolutionDownBy: 1 };
}

/** A picture of that size in layers, or in one; without a size: of a camera that is off. Pure. */
export function encodings(
  codec: VideoCodec,
  layered: boolean,
  size: { width?: number; height?: number } = {},
): RTCRtpEncodingParameters[] {
  // As many spatial layers as the browser makes of the capture's size.
  if (codec === "vp9" || codec === "av1") {
    const svc = { maxBitrate: MAX_BITRATE, scalabilityMode: layered ? "L3T3_KEY" : "L1T3" };
    return [svc];
  }
  if (!layered) return [{ maxBitrate: MAX_BITRATE }];
  const { width, height } = size;
  const pixels = width && height ? width * height : USUAL;
  const row = LAYERS[pixels >= THREE_LAYERS ? 2 : pixels >= TWO_LAYERS ? 1 : 0] ?? [];
  return row.map((layer) => ({ active: true, ...layer }));
}

/** Gives a sender the layers of the size that its track has now; who had them already is left alone. */
export async function shape(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  if (parameters.encodings.length === 1) return;
  const wanted = encodings("vp8", true, sender.track?.getSettings());
  let other = false;
  for (const encoding of parameters.encodings) {
    const want = wanted.find((w) => w.rid === encoding.rid);
    if (!want) continue;
    for (const key of ["active", "scaleResolutionDownBy", "maxBitrate"] as const) {
      if (encoding[key] === want[key]) continue;
      other = true;
      Object.assign(encoding, { [key]: want[key] });
    }
  }
  if (other) await sender.setParameters(parameters);
}
