import { describe, expect, it } from "vitest";
import { differ } from "./shown";

describe("differ", () => {
  it("tells of people who come and go", () => {
    expect(differ({}, {})).toBe(false);
    expect(differ({}, { ada: 100 })).toBe(true);
    expect(differ({ ada: 100 }, {})).toBe(true);
    expect(differ({ ada: 100 }, { grace: 100 })).toBe(true);
  });

  it("keeps trifles to itself", () => {
    expect(differ({ ada: 100 }, { ada: 110 })).toBe(false);
    expect(differ({ ada: 100 }, { ada: 130 })).toBe(true);
    expect(differ({ ada: 100 }, { ada: 70 })).toBe(true);
    expect(differ({ ada: 100 }, { ada: 1 })).toBe(true);
  });
});
