import { describe, expect, it } from "vitest";
import { readParams } from "./params";

describe("readParams", () => {
  it("reads a test's address", () => {
    const p = readParams({
      search: "?name=Ada&zone=Library&capture=320x240@15&auto=1&camera=0&simulcast=1&codec=av1",
      hash: "#token=abc",
    });
    expect(p).toMatchObject({
      name: "Ada",
      zone: "Library",
      auto: true,
      camera: false,
      mic: true,
      simulcast: true,
      codec: "av1",
      token: "abc",
    });
    expect(p.capture.video).toEqual({
      width: { ideal: 320 },
      height: { ideal: 240 },
      frameRate: { ideal: 15, max: 15 },
    });
  });

  it("takes the defaults from a plain address and ignores nonsense", () => {
    const p = readParams({ search: "?capture=huge&codec=theora", hash: "" });
    expect(p).toMatchObject({
      name: "",
      auto: false,
      camera: true,
      token: "",
      capture: {},
      simulcast: "auto",
      codec: "vp8",
    });
  });
});
