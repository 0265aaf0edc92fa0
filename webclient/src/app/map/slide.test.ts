import { expect, it } from "vitest";
import { Slide } from "./slide";

const at = { x: 5, y: 5 };

it("is drawn where it was, slides to where it is, and comes to rest there", () => {
  const slide = new Slide();
  slide.put({ x: 6, y: 5 }, at);
  expect(slide.from(at)).toEqual({ x: 6, y: 5 });
  slide.step(0.08);
  expect(slide.from(at).x).toBeGreaterThan(5);
  expect(slide.from(at).x).toBeLessThan(5.5);
  for (let i = 0; i < 60; i++) slide.step(1 / 60);
  expect(slide.moving).toBe(false);
  expect(slide.from(at)).toEqual(at);
});

it("adds up corrections that follow each other, and jumps when it is far", () => {
  const slide = new Slide();
  slide.put({ x: 6, y: 5 }, at);
  slide.put(at, { x: 4, y: 5 });
  expect(slide.from({ x: 4, y: 5 })).toEqual({ x: 6, y: 5 });
  slide.put({ x: 4, y: 5 }, { x: 30, y: 5 });
  expect(slide.moving).toBe(false);
});
