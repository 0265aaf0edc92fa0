import { expect, it } from "vitest";
import { avatarColor } from "../map/palette";
import { CARETS, Colors, steadyColor } from "./colors";

const sky = avatarColor("sky");

it("gives the avatar's colour, to one person at a time, for as long as they are here", () => {
  const colors = new Colors();
  expect(colors.of("ada", sky)).toBe(sky);
  const second = colors.of("grace", sky);
  expect(second).not.toBe(sky);
  colors.keep(new Set(["grace"]));
  expect(colors.of("grace", sky)).toBe(second);
  expect(colors.of("alan", sky)).toBe(sky);
});

it("tells as many people apart as there are colours, and has one for everyone after them", () => {
  const colors = new Colors();
  const all = Array.from({ length: CARETS.length }, (_, i) => colors.of(`u${i}`));
  expect(new Set(all).size).toBe(CARETS.length);
  expect(colors.of("one more")).toBe(steadyColor("one more"));
  expect(colors.of("another", sky)).toBe(sky);
});
