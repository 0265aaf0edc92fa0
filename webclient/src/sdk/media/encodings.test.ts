import { expect, it } from "vitest";
import { encodings } from "./encodings";

const sent = (layered: boolean, size?: { width: number; height: number }) =>
  encodings("h264", layered, size)
    .filter((e) => e.active !== false)
    .map((e) => [e.rid, e.scaleResolutionDownBy]);

it("sends a picture as it was captured in the last of the layers that a browser sends of it", () => {
  expect(sent(true, { width: 1280, height: 720 })).toEqual([
    ["q", 4],
    ["h", 2],
    ["f", 1],
  ]);
  for (const size of [undefined, { width: 640, height: 480 }, { width: 480, height: 270 }])
    expect(sent(true, size)).toEqual([
      ["q", 2],
      ["h", 1],
    ]);
  expect(sent(true, { width: 320, height: 240 })).toEqual([["q", 1]]);
});

it("names the same three layers whatever the size: they are offered once, and a camera may be switched on later", () => {
  for (const height of [180, 270, 480, 720, 1080])
    expect(encodings("vp8", true, { width: (height * 16) / 9, height }).map((e) => e.rid)).toEqual(["q", "h", "f"]);
});

it("sends one layer where none are wanted", () => {
  expect(encodings("vp8", false, { width: 1280, height: 720 })).toEqual([{ maxBitrate: 1_800_000 }]);
  expect(encodings("vp9", true).map((e) => e.rid)).toEqual([undefined]); // its layers are in one stream
});
