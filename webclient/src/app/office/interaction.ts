import { type Action, type Facing, type ObjectDescription, type Office, OfficeError } from "../../sdk";
import type { Grid, Point } from "../map/grid";
import { actionOf, isBoard, middleOf, NEAR, REACH, seatFacing, stepsTo, thingNear, towards } from "../map/things";
import type { Pose } from "../map/walker";
import { type Refusal, thingRefusal } from "./refusals";

/** One's avatar, as far as it is moved from here. */
export interface Body {
  readonly pose: Pose;
  /** On the way somewhere, or at a door. */
  readonly busy: boolean;
  walkTo(target: Point): boolean;
  sit(at: Point, facing: Facing): void;
  /** Stops and turns. */
  face(facing: Facing): void;
  rise(): void;
  /** True when another avatar stands on that tile. */
  occupied(x: number, y: number): boolean;
}

/** What the key does now: begin with the thing that is near, or end with the one in hand. */
export interface Offer {
  readonly object: ObjectDescription;
  readonly action: Action;
  readonly end: boolean;
}

/** The document of a thing, opened there. */
export interface OpenDocument {
  readonly documentId: string;
  readonly objectId: string;
  readonly name: string;
}

export interface InteractionOptions {
  office: Office;
  grid(): Grid | undefined;
  /** The offer or the open document is another one. */
  changed(): void;
  refused(refusal: Refusal): void;
}

/** Someone may have stood in the way: the way to a thing is looked for again this often. */
const TRIES = 3;

/**
 * One's dealings with the things on the map: walked to, asked for, held, given back. Whoever walks away lets go; a lock
 * outlives a lost connection and a reloaded page, and is taken up again.
 */
export class Interaction {
  private readonly o: InteractionOptions;
  private body: Body | undefined;
  private wanted: ObjectDescription | undefined;
  /** How often the way to it was begun anew. */
  private tries = 0;
  private asking: string | undefined;
  /** Where one was and what one did when the connection was lost, until one is back. */
  private lost: { at: Point; using: string | undefined } | undefined;
  private returning: Interaction["lost"];
  private current: Offer | undefined;
  private opened: OpenDocument | undefined;
  private readonly undo: (() => void)[];

  constructor(options: InteractionOptions) {
    this.o = options;
    const { office } = options;
    this.undo = [
      office.on("object", ({ objectId, holder }) => this.heard(objectId, holder)),
      office.on("state", ({ state }) => {
        if (state === "connected" || !this.body || this.lost) return;
        const { x, y } = this.body.pose;
        this.lost = { at: { x, y }, using: this.inHand?.object_id };
      }),
      office.on("zone", ({ sent }) => {
        if (sent) this.cancel();
        else this.returning = this.lost;
        this.lost = undefined;
      }),
    ];
  }

  get offer(): Offer | undefined {
    return this.current;
  }

  /** The document that is open. It was opened at its thing, and stays open wherever one walks. */
  get document(): OpenDocument | undefined {
    return this.opened;
  }

  closeDocument(): void {
    this.opened = undefined;
    this.look();
    this.o.changed();
  }

  close(): void {
    for (const undo of this.undo) undo();
  }

  /** The avatar of the map that is shown now. What is held already it takes up. */
  attach(body: Body): () => void {
    this.body = body;
    for (const object of this.held()) this.settle(object);
    return () => {
      if (this.body === body) this.body = undefined;
    };
  }

  /** The key: ends what is in hand, or begins with what is near. */
  press(): void {
    const offer = this.current;
    if (!offer) return;
    if (!offer.end) this.use(offer.object);
    else if (isBoard(offer.object)) this.closeDocument();
    else this.end(offer.object.object_id);
  }

  /** Walks to a thing and uses it; what one holds already one lets go. */
  use(object: ObjectDescription): void {
    const action = actionOf(object);
    const { office } = this.o;
    if (!action || !this.body || !office.zone) return;
    if (office.holding.has(object.object_id)) {
      this.end(object.object_id);
      return;
    }
    const holder = office.objects.get(object.object_id);
    if (holder && holder !== office.self?.user.user_id && !isBoard(object)) {
      this.refuse(object, "occupied");
      return;
    }
    this.wanted = object;
    this.tries = 0;
    // From a chair one reaches the desk and the board beside it.
    const reach = this.body.pose.state === "sitting" && action !== "sit" ? REACH : NEAR;
    if (office.zone.zone_id === object.zone_id && stepsTo(object, this.body.pose) <= reach) this.ask(object, action);
    else if (!this.body.walkTo(middleOf(object))) this.refuse(object, "no-way");
  }

  /** Gives a thing back. */
  end(objectId: string): void {
    const action = this.o.office.holding.get(objectId);
    if (this.o.office.endInteraction(objectId) && action === "sit") this.body?.rise();
    this.look();
  }

  /** One goes elsewhere: what was walked to is not wanted any more. */
  cancel(): void {
    this.wanted = undefined;
    this.returning = undefined;
  }

  /** To be called after each step of the avatar. */
  step(): void {
    if (!this.body || !this.o.grid() || !this.o.office.zone) return;
    if (this.o.office.state === "connected") {
      this.comeBack();
      this.approach();
      this.letGo();
    }
    this.look();
  }

  private held(): ObjectDescription[] {
    const grid = this.o.grid();
    return [...this.o.office.holding.keys()].map((id) => grid?.object(id)).filter((o) => o !== undefined);
  }

  private get inHand(): ObjectDescription | undefined {
    return this.held().at(-1);
  }

  /** After a connection that was away for too long one stands where people arrive: back to where one was. */
  private comeBack(): void {
    const { returning, body } = this;
    this.returning = undefined;
    if (!returning || !body) return;
    const { x, y } = returning.at;
    const seat = returning.using ? this.o.grid()?.object(returning.using) : undefined;
    if (seat && !this.o.office.holding.has(seat.object_id)) this.use(seat);
    else if (!seat && Math.hypot(body.pose.x - x, body.pose.y - y) > 1.5) body.walkTo({ x, y });
  }

  private approach(): void {
    const { wanted, body } = this;
    if (!wanted || !body || this.asking === wanted.object_id) return;
    const action = actionOf(wanted);
    const here = this.o.office.zone?.zone_id === wanted.zone_id;
    const steps = stepsTo(wanted, body.pose);
    if (action && here && (steps <= NEAR || (!body.busy && steps <= REACH))) this.ask(wanted, action);
    else if (!body.busy && (this.tries++ >= TRIES || !body.walkTo(middleOf(wanted)))) this.refuse(wanted, "no-way");
  }

  private letGo(): void {
    const { body } = this;
    if (!body) return;
    for (const object of this.held()) {
      const seated = this.o.office.holding.get(object.object_id) === "sit" && !object.solid;
      const away = stepsTo(object, body.pose) > (seated ? 0 : REACH);
      if (body.pose.state === "walking" || away) this.end(object.object_id);
    }
  }

  private ask(object: ObjectDescription, action: Action): void {
    if (isBoard(object)) {
      this.read(object);
      return;
    }
    const { x, y } = object.position;
    if (action === "sit" && !object.solid && this.body?.occupied(Math.floor(x), Math.floor(y))) {
      this.refuse(object, "stood-on");
      return;
    }
    void this.request(object, action);
  }

  /** Opens a document. Nobody holds its thing for that: a lock is one person's, a document is everybody's. */
  private read(object: ObjectDescription): void {
    const { office } = this.o;
    this.wanted = undefined;
    if (object.roles && !object.roles.includes(office.role)) {
      this.refuse(object, "unauthorized");
      return;
    }
    this.settle(object);
    this.unfold(object);
    this.look();
  }

  private unfold(object: ObjectDescription): void {
    if (!object.document_id) return;
    this.opened = { documentId: object.document_id, objectId: object.object_id, name: object.name };
    this.o.changed();
  }

  private async request(object: ObjectDescription, action: Action): Promise<void> {
    const { office } = this.o;
    const id = object.object_id;
    this.asking = id;
    let error: unknown;
    try {
      await office.interact(id, action);
    } catch (e) {
      error = e;
    }
    if (this.asking === id) this.asking = undefined;
    const still = this.wanted?.object_id === id;
    if (still) this.wanted = undefined;
    if (error === undefined) {
      if (still) {
        this.settle(object);
        this.unfold(object);
      } else office.endInteraction(id);
    } else if (still && error instanceof OfficeError && error.problem.code !== "connection-lost") {
      this.refuse(object, String(error.problem.details?.reason ?? error.problem.serverCode ?? ""));
    }
    this.look();
  }

  /** Takes the posture that goes with a thing. */
  private settle(object: ObjectDescription): void {
    const { body } = this;
    const grid = this.o.grid();
    if (!body || !grid) return;
    if (this.o.office.holding.get(object.object_id) === "sit" && !object.solid)
      body.sit(middleOf(object), seatFacing(grid, object));
    else if (body.pose.state !== "sitting") body.face(towards(object, body.pose));
  }

  private heard(objectId: string, holder: string | null): void {
    const { office } = this.o;
    const object = this.o.grid()?.object(objectId);
    const self = office.self?.user.user_id;
    if (object && holder === self && !office.holding.has(objectId)) {
      // Ours, by the word of a page before this one: the same lock is granted again.
      const action = actionOf(object);
      this.wanted = object;
      if (action) void this.request(object, action);
    } else if (holder === null && this.held().length === 0) this.body?.rise();
    this.look();
  }

  private refuse(object: ObjectDescription, reason: string): void {
    const { office } = this.o;
    if (this.wanted?.object_id === object.object_id) this.wanted = undefined;
    const holder = office.objects.get(object.object_id) ?? "";
    this.o.refused(thingRefusal(object, reason, office.peers.get(holder)?.user.display_name));
  }

  /** What the key would do now. */
  private look(): void {
    const before = this.current;
    const next = this.seek();
    this.current = next;
    const same = before?.object.object_id === next?.object.object_id && before?.end === next?.end;
    if (!same) this.o.changed();
  }

  private seek(): Offer | undefined {
    const { office } = this.o;
    const inHand = this.inHand;
    if (inHand) return { object: inHand, action: office.holding.get(inHand.object_id) ?? "use", end: true };
    const grid = this.o.grid();
    if (!grid || !this.body || !office.zone || this.body.busy || this.wanted) return undefined;
    const { pose } = this.body;
    const object = thingNear({
      grid,
      zone: office.zone.zone_id,
      at: pose,
      facing: pose.facing,
      holders: office.objects,
    });
    const action = object && actionOf(object);
    if (!object || !action) return undefined;
    return { object, action, end: isBoard(object) && this.opened?.objectId === object.object_id };
  }
}
