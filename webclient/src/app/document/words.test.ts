import { expect, it } from "vitest";
import { counted, statusWords, when, writing } from "./words";

it.each([
  [[], ""],
  [["Ada"], "Ada is writing…"],
  [["Ada", "Grace"], "Ada and Grace are writing…"],
  [["Ada", "Grace", "Alan"], "Ada, Grace and one other are writing…"],
  [["Ada", "Grace", "Alan", "Kay"], "Ada, Grace and 2 others are writing…"],
])("says who of %j is writing", (names, words) => {
  expect(writing(names)).toBe(words);
});

it("says the time of today, and the date of before", () => {
  const now = new Date(2026, 5, 15, 18, 0);
  expect(when(new Date(2026, 5, 15, 9, 5).toISOString(), now, "en-GB")).toBe("09:05");
  expect(when(new Date(2026, 5, 14, 9, 5).toISOString(), now, "en-GB")).toBe("14 Jun, 09:05");
  expect(when(new Date(2024, 5, 14, 9, 5).toISOString(), now, "en-GB")).toBe("14 Jun 2024, 09:05");
  expect(when("no time", now)).toBe("");
});

it("counts, and lets people use words of their own", () => {
  expect([counted(1, "annotation"), counted(2, "annotation")]).toEqual(["one annotation", "2 annotations"]);
  expect([statusWords("online"), statusWords("at lunch")]).toEqual(["here", "at lunch"]);
});
