/** A name's pill as it would like to stand: the middle of its upper edge, and its size. */
export interface Label {
  x: number;
  y: number;
  width: number;
  height: number;
}

const GAP = 2;

/**
 * How far each label must go down so that none covers another. From north to south, and of those beside each other
 * the former keeps its place, so that the order is steady while people stand.
 */
export function spread(labels: readonly Label[]): number[] {
  const drops = labels.map(() => 0);
  const placed: Label[] = [];
  const order = labels.map((label, i) => ({ label, i })).sort((a, b) => a.label.y - b.label.y || a.i - b.i);
  for (const { label, i } of order) {
    const at = { ...label };
    for (;;) {
      const hit = placed.find(
        (p) =>
          Math.abs(p.x - at.x) < (p.width + at.width) / 2 + GAP &&
          p.y < at.y + at.height + GAP &&
          at.y < p.y + p.height + GAP,
      );
      if (!hit) break;
      at.y = hit.y + hit.height + GAP; // always further down, so this ends
    }
    placed.push(at);
    drops[i] = at.y - label.y;
  }
  return drops;
}
