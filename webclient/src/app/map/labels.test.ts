import { describe, expect, it } from "vitest";
import { type Label, spread } from "./labels";

const label = (x: number, y: number, width = 60): Label => ({ x, y, width, height: 20 });

function overlaps(labels: readonly Label[], drops: readonly number[]): boolean {
  const boxes = labels.map((l, i) => ({ ...l, y: l.y + (drops[i] ?? 0) }));
  return boxes.some((a, i) =>
    boxes.some(
      (b, j) =>
        i < j && Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2,
    ),
  );
}

describe("names under neighbours' feet", () => {
  it("stay where they are while none covers another", () => {
    expect(spread([label(0, 0), label(100, 0), label(0, 40)])).toEqual([0, 0, 0]);
  });

  it("go down one after the other where people stand side by side", () => {
    const row = [label(0, 0), label(44, 0), label(88, 0), label(132, 0)];
    const drops = spread(row);
    expect(
      overlaps(
        row,
        row.map(() => 0),
      ),
    ).toBe(true);
    expect(overlaps(row, drops)).toBe(false);
    expect(Math.max(...drops)).toBeLessThan(30); // the third is beside the second again, on the first's line
  });

  it("never cover one another, in a crowd too", () => {
    const crowd = Array.from({ length: 40 }, (_, i) => label((i * 37) % 200, (i * 53) % 120, 40 + ((i * 29) % 80)));
    expect(overlaps(crowd, spread(crowd))).toBe(false);
  });
});
