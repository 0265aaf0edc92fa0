import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  cpSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  type WriteStream,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until";

/** The namespace is ours alone, so ports can be the well-known ones. */
export const PORTS = { http: 8080, admin: 9090, turn: 3478, sfuUdp: 7882, sfuTcp: 7881 };
export const URL_BASE = `http://127.0.0.1:${PORTS.http}`;

const WORLDS = new URL("../../configs/worlds/", import.meta.url).pathname;

export interface ServerOptions {
  /** Where it listens, and by what scheme. */
  readonly address: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Its worlds stand in a folder of its own: a copy of the demo's, which a test may change. */
  readonly worlds?: boolean;
  /** From how many people on a zone's media go through the SFU; 3. */
  readonly promoteAt?: number;
  /** How long who lost the connection keeps the place; 2 s. */
  readonly grace?: string;
  /** Puts the command line elsewhere: into another namespace. */
  readonly inside?: (...command: [string, ...string[]]) => [string, ...string[]];
}

// A change of topology may take long where three browsers share a slow machine, and one that failed is soon tried again.
const config = ({ address, tls, worlds, promoteAt = 3, grace = "2s" }: ServerOptions) => `
server:
  listen: ${address}:${PORTS.http}
${tls ? `  tls: { cert: ${tls.cert}, key: ${tls.key} }` : ""}
admin:
  listen: 127.0.0.1:${PORTS.admin}
data_dir: data
${worlds ? "worlds: { dir: worlds }" : ""}
auth:
  guest_login: true
session:
  grace: ${grace}
topology:
  promote_at: ${promoteAt}
  demote_at: ${promoteAt - 1}
  demote_after: 1s
  dwell: 1s
  deadline: 30s
  cooldown: 3s
turn:
  udp: ${address}:${PORTS.turn}
  tcp: ${address}:${PORTS.turn}
sfu:
  udp: ${address}:${PORTS.sfuUdp}
  tcp: ${address}:${PORTS.sfuTcp}
`;

/** The real server as a child process, with a configuration and a data folder of its own. */
export class Server {
  private readonly folder = mkdtempSync(join(tmpdir(), "atrium-e2e-"));
  private readonly log: WriteStream;
  private child: ChildProcess | undefined;

  private readonly options: ServerOptions;

  constructor(results: string, options: ServerOptions = { address: "127.0.0.1" }) {
    this.options = options;
    writeFileSync(join(this.folder, "atrium.yaml"), config(options));
    if (options.worlds) cpSync(WORLDS, join(this.folder, "worlds"), { recursive: true });
    mkdirSync(results, { recursive: true });
    this.log = createWriteStream(join(results, "server.log"));
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null;
  }

  async start(): Promise<void> {
    const binary = this.binary;
    const inside = this.options.inside ?? ((...command) => command);
    const [command, ...args] = inside(binary, "serve", "--config", "atrium.yaml");
    const child = spawn(command, args, {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let tail = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.log.write(data);
        tail = (tail + data.toString()).slice(-2000);
      });
    }
    await until("the server answers", async () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}: ${tail}`);
      return accepts(this.options.address, PORTS.http);
    });
  }

  /** A token of this server, as its command line prints it. */
  token(name: string, role: string): string {
    const args = ["token", "--config", "atrium.yaml", "--user", randomUUID(), "--name", name, "--role", role];
    return execFileSync(this.binary, [...args, "--avatar", "violet"], { cwd: this.folder, encoding: "utf8" }).trim();
  }

  /** Changes the text of the demo's map, and has the server read it again. */
  redraw(change: (map: string) => string): void {
    const file = join(this.folder, "worlds", "demo.tmj");
    const before = readFileSync(file, "utf8");
    const after = change(before);
    if (after === before) throw new Error("the map is as it was");
    writeFileSync(file, after);
    this.child?.kill("SIGHUP");
  }

  /** As a crash would: nobody is told. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async close(): Promise<void> {
    await this.end("SIGTERM");
    this.log.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get binary(): string {
    const binary = process.env.ATRIUM_BIN;
    if (!binary) throw new Error("ATRIUM_BIN does not name the server; run e2e/run.sh");
    return binary;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const force = setTimeout(() => child.kill("SIGKILL"), 12_000);
    await ended;
    clearTimeout(force);
  }
}

/** Whether somebody listens there. The server listens once it is ready. */
function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
