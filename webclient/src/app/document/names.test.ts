import { expect, it } from "vitest";
import { Names, neutralName } from "./names";

function storage(begun: Record<string, string> = {}) {
  const kept = new Map(Object.entries(begun));
  return { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) };
}
const user = (user_id: string, display_name = user_id) => ({ user_id, display_name, avatar_id: "sky" });

it("remembers whom one has met over a reload, by the latest name", () => {
  const kept = storage();
  const names = new Names(kept);
  expect(names.learn(user("1", "Ada"))).toBe(true);
  expect(names.learn(user("1", "Ada"))).toBe(false);
  expect(names.learn(user("1", "Countess"))).toBe(true);
  expect(new Names(kept).of("1")).toEqual({ name: "Countess", avatarId: "sky" });
});

it("forgets first whom one has not met for longest", () => {
  const names = new Names(storage());
  for (let i = 0; i < 300; i++) names.learn(user(`u${i}`));
  names.learn(user("u0"));
  names.learn(user("new"));
  expect(names.of("u0")).toBeDefined();
  expect(names.of("u1")).toBeUndefined();
});

it.each([["{"], ["7"], ['[["a"],["b",null],[1,{"name":"x","avatarId":"y"}]]']])("takes nothing from %s", (text) => {
  const names = new Names(storage({ "atrium.names": text }));
  expect(names.of("a")).toBeUndefined();
  expect(names.of("b")).toBeUndefined();
});

it("works where nothing can be stored", () => {
  const names = new Names({
    getItem: () => {
      throw new Error("no");
    },
    setItem: () => {
      throw new Error("no");
    },
  });
  names.learn(user("1", "Ada"));
  expect(names.of("1")?.name).toBe("Ada");
  expect(neutralName("3f2a9c00-0000-4000-8000-000000000000")).toBe("Person 3F2A");
});
