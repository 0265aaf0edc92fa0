import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Backoff } from "../backoff";
import type { Problem } from "../problem";
import { SharedDocument } from "./document";
import { MAX_NOTE_BYTES } from "./protocol";

/** The browser's end of a socket; the test plays the server with frames as it sends them. */
class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  bufferedAmount = 0;
  protocol = "atrium.documents.v1+ack";
  sent: [string, Record<string, unknown>][] = [];
  readonly offered: string[];
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: unknown }) => void) | null = null;
  onclose: ((e: { code: number }) => void) | null = null;

  constructor(offered: string[] = []) {
    this.offered = offered;
    FakeSocket.all.push(this);
  }
  send(frame: string) {
    this.sent.push(Object.entries(JSON.parse(frame))[0] as [string, Record<string, unknown>]);
  }
  close() {
    this.readyState = 3;
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(tag: string, payload: object) {
    this.onmessage?.({ data: JSON.stringify({ [tag]: payload }) });
  }
  drop(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  tags() {
    return this.sent.map(([tag]) => tag);
  }
  of(tag: string) {
    return this.sent.filter(([t]) => t === tag).map(([, payload]) => payload);
  }
}

const jwt = (exp: number) => `x.${btoa(JSON.stringify({ exp }))}.y`;
const at = (line: number) => ({ line, column: 0 });
const last = () => FakeSocket.all.at(-1) as FakeSocket;
let shared: SharedDocument;
let problems: Problem[];
let fresh: string[];
let token: string;

const contents = () => shared.notes.map((n) => n.content);
const states = () => shared.drafts.map((d) => d.state);
/** The snapshot has been told. */
const settle = () => vi.advanceTimersByTimeAsync(500);
const note = (user_id: string, content: string, second: number) => ({
  document_id: "doc",
  user_id,
  position: at(1),
  content,
  timestamp: `2026-01-01T00:00:0${second}Z`,
});

async function opened() {
  shared.open();
  await vi.advanceTimersByTimeAsync(0);
  last().open();
}

async function reopened(code?: number) {
  last().drop(code);
  await vi.advanceTimersByTimeAsync(1000);
  last().open();
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("location", { href: "http://office.example/" });
  vi.stubGlobal("WebSocket", { OPEN: 1 });
  FakeSocket.all = [];
  token = "first";
  problems = [];
  fresh = [];
  shared = new SharedDocument({
    documentId: "doc",
    userId: "me",
    token: () => token,
    socket: (_, protocols) => new FakeSocket(protocols) as unknown as WebSocket,
    backoff: new Backoff(100, 1000, () => 1),
    joins: new Backoff(1000, 10_000, () => 1),
  });
  shared.on("problem", (p) => problems.push(p));
  shared.on("notes", (e) => fresh.push(...e.fresh.map((n) => n.content)));
});

afterEach(() => {
  shared.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("joining", () => {
  it("offers both subprotocols and the token, joins, and leaves when it is closed", async () => {
    await opened();
    expect(last().offered).toEqual(["atrium.documents.v1+ack", "atrium.documents", "first"]);
    const about = { document_id: "doc", user_id: "me" };
    expect(last().sent).toEqual([["JoinDocument", about]]);
    shared.close();
    expect(last().sent.at(-1)).toEqual(["LeaveDocument", about]);
    expect(last().readyState).toBe(3);
  });

  it("comes back after a loss: joins, tells itself again, and lists who is still there", async () => {
    await opened();
    last().say("JoinDocument", { document_id: "doc", user_id: "ada" });
    last().say("JoinDocument", { document_id: "doc", user_id: "grace" });
    shared.move(at(7));
    shared.setStatus("busy");
    await reopened();
    expect(shared.state).toBe("connected");
    expect(last().tags()).toEqual(["JoinDocument", "PresenceUpdate", "PresenceStatus"]);
    expect(last().of("PresenceUpdate")[0]).toMatchObject({ cursor: at(7), is_typing: false });
    last().say("PresenceStatus", {
      document_id: "doc",
      user_id: "grace",
      status: "away",
      timestamp: "2026-01-01T00:00:00Z",
    });
    expect([...shared.members.keys()]).toEqual(["grace"]);
  });

  it("says that it is away and tries again by itself", async () => {
    const told: string[] = [];
    shared.on("state", (s) => told.push(s.state));
    await opened();
    last().drop();
    expect(shared.reason).toContain("Connecting again");
    await vi.advanceTimersByTimeAsync(150);
    expect(FakeSocket.all).toHaveLength(2);
    last().drop();
    await vi.advanceTimersByTimeAsync(150);
    expect(FakeSocket.all).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(100);
    last().open();
    expect(told).toEqual(["connected", "reconnecting", "reconnecting", "connected"]);
  });

  it("connects with a fresh token after one has expired, and gives up with one that was refused", async () => {
    token = jwt(1);
    await opened();
    last().say("Error", { code: "AUTH_ERROR", message: "the token has expired" });
    token = jwt(2);
    await reopened(4401);
    expect(last().offered.at(-1)).toBe(jwt(2));
    expect(problems).toEqual([]);
    last().drop(4401);
    await vi.advanceTimersByTimeAsync(1000);
    expect(problems[0]).toMatchObject({ code: "signed-out", fatal: true });
    expect(shared.state).toBe("closed");
  });

  it("gives up where one may not be", async () => {
    await opened();
    last().say("Error", { code: "AUTH_ERROR", message: "the document is a world's that the token does not open" });
    expect(problems).toMatchObject([{ code: "document-refused", fatal: true }]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("joins again when the server could not read the notes", async () => {
    await opened();
    last().say("Error", { code: "CONNECTION_ERROR", message: "the store of the notes is out of reach" });
    shared.note("Comment", at(0), "patience");
    await vi.advanceTimersByTimeAsync(1000);
    expect(last().tags()).toEqual(["JoinDocument", "JoinDocument"]);
    await settle();
    expect(last().tags()).toEqual(["JoinDocument", "JoinDocument", "Comment"]);
    await vi.advanceTimersByTimeAsync(9000);
    expect(last().of("JoinDocument")).toHaveLength(2);
    expect(FakeSocket.all).toHaveLength(1);
    expect(problems).toMatchObject([{ message: "The store of the notes is out of reach.", fatal: false }]);
  });
});

describe("notes", () => {
  it("are pending until the server has stored them, one after the other", async () => {
    await opened();
    await settle();
    shared.note("Annotation", at(3), "first");
    shared.note("Comment", at(4), "second");
    expect(states()).toEqual(["sending", "waiting"]);
    expect(last().of("Comment")).toEqual([]);
    last().say("Annotation", last().of("Annotation")[0] as object);
    expect(contents()).toEqual(["first"]);
    expect(states()).toEqual(["sending"]);
    last().say("Comment", last().of("Comment")[0] as object);
    expect(contents()).toEqual(["first", "second"]);
    expect(states()).toEqual([]);
  });

  it("keep their text when they are refused, and can be tried again or given up", async () => {
    await opened();
    await settle();
    const draft = shared.note("Comment", at(0), "too fast");
    last().say("Error", { code: "DOCUMENT_ERROR", message: "more than 10 a second; this one is not stored" });
    expect(shared.drafts).toMatchObject([
      { content: "too fast", state: "refused", reason: "More than 10 a second; this one is not stored." },
    ]);
    expect(problems).toEqual([]);
    shared.again(draft.key);
    expect(last().of("Comment")).toHaveLength(2);
    last().say("Error", { code: "DOCUMENT_ERROR", message: "the document is full" });
    shared.discard(draft.key);
    expect(shared.drafts).toEqual([]);
  });

  it("that came back late are stored after all", async () => {
    await opened();
    await settle();
    shared.note("Comment", at(0), "slow");
    await vi.advanceTimersByTimeAsync(16_000);
    expect(states()).toEqual(["refused"]);
    last().say("Comment", last().of("Comment")[0] as object);
    expect(states()).toEqual([]);
    expect(contents()).toEqual(["slow"]);
  });

  it("wait with the server while its other nodes are out of reach", async () => {
    await opened();
    await settle();
    shared.note("Comment", at(0), "patient");
    last().say("Error", { code: "CONNECTION_ERROR", message: "the other nodes are out of reach, and notes wait" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states()).toEqual(["sending"]);
    last().say("Comment", last().of("Comment")[0] as object);
    expect(contents()).toEqual(["patient"]);
    shared.note("Comment", at(0), "unlucky");
    last().say("Error", { code: "CONNECTION_ERROR", message: "the store failed; this one is not stored" });
    expect(states()).toEqual(["refused"]);
  });

  it("on their way at a loss are sent again only if they were not stored", async () => {
    await opened();
    await settle();
    shared.note("Comment", at(0), "arrived");
    const [arrived] = last().of("Comment");
    await reopened();
    last().say("Comment", arrived as object);
    await settle();
    expect(last().of("Comment")).toEqual([]);
    expect(contents()).toEqual(["arrived"]);
    shared.note("Comment", at(0), "lost");
    const [lost] = last().of("Comment");
    await reopened();
    last().say("Comment", arrived as object);
    expect(last().of("Comment")).toEqual([]);
    await settle();
    expect(last().of("Comment")).toEqual([lost]);
    last().say("Comment", lost as object);
    expect(contents()).toEqual(["arrived", "lost"]);
  });

  it("written while the connection is away are sent when it is back", async () => {
    await opened();
    last().drop();
    shared.note("Comment", at(0), "later");
    expect(states()).toEqual(["waiting"]);
    await vi.advanceTimersByTimeAsync(1000);
    last().open();
    await settle();
    expect(last().of("Comment")).toMatchObject([{ content: "later" }]);
  });

  it("of others are told as news only when they were not told again", async () => {
    await opened();
    last().say("Comment", note("ada", "old", 1));
    await settle();
    last().say("Comment", note("ada", "new", 2));
    await reopened();
    for (const [i, content] of ["old", "new", "missed"].entries()) last().say("Comment", note("ada", content, i + 1));
    expect(contents()).toEqual(["old", "new", "missed"]);
    expect(fresh).toEqual(["new"]);
  });

  it("that are too long or empty are not taken, in bytes", async () => {
    await opened();
    await settle();
    expect(() => shared.note("Comment", at(0), " \n ")).toThrow("nothing written");
    expect(() => shared.note("Comment", at(0), "é".repeat(MAX_NOTE_BYTES / 2 + 1))).toThrow("2 bytes too long");
    expect(shared.note("Comment", at(0), "é".repeat(MAX_NOTE_BYTES / 2)).state).toBe("waiting");
  });

  it("stand at once with a server that does not confirm them", async () => {
    shared.open();
    await vi.advanceTimersByTimeAsync(0);
    last().protocol = "atrium.documents";
    last().open();
    await settle();
    shared.note("Comment", at(0), "one");
    shared.note("Comment", at(0), "two");
    expect(contents()).toEqual(["one", "two"]);
    expect(shared.drafts).toEqual([]);
  });

  it("that are not stored are given back at the end", async () => {
    await opened();
    last().drop();
    shared.note("Comment", at(0), "unsaid");
    expect(shared.close()).toMatchObject([{ content: "unsaid" }]);
  });
});
