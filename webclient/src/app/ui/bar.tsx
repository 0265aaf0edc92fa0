import { useEffect, useRef, useState } from "preact/hooks";
import type { LocalMedia, LocalState } from "../../sdk";
import { untilText } from "../office/measures";
import type { Visit } from "../office/visit";
import { Badge } from "./badge";
import { useOfficeEvents } from "./hooks";
import { CameraIcon, GridIcon, LeaveIcon, MicIcon, MutedIcon, PeopleIcon } from "./icons";

interface Props {
  visit: Visit;
  strip: boolean;
  onStrip(on: boolean): void;
  people: boolean;
  onPeople(on: boolean): void;
  onLeave(): void;
}

/** The controls at the bottom: own picture, devices, how media travels, layout, the way out. */
export function Bar({ visit, strip, onStrip, people, onPeople, onLeave }: Props) {
  const local = useLocal(visit.media);
  useOfficeEvents(visit.office, "muted");
  const until = visit.office.self?.mutedUntil ?? null;
  const muted = until === null ? "" : `You were muted by a moderator until ${untilText(until)}`;
  const [busy, setBusy] = useState<"mic" | "camera" | undefined>();
  const toggle = async (device: "mic" | "camera") => {
    if (busy) return;
    setBusy(device);
    await (device === "mic" ? visit.setMic(!local.mic) : visit.setCamera(!local.camera));
    setBusy(undefined);
  };
  return (
    <nav class="bar" aria-label="Controls">
      <Preview media={visit.media} on={local.camera} />
      <button
        type="button"
        class={`switch ${muted ? "muted" : local.mic ? "on" : "off"}`}
        aria-pressed={local.mic}
        aria-busy={busy === "mic"}
        aria-label="Microphone"
        aria-description={muted}
        title={muted || (local.mic ? "Switch the microphone off" : "Switch the microphone on")}
        data-switch="mic"
        onClick={() => void toggle("mic")}
      >
        {muted ? <MutedIcon size={22} /> : <MicIcon off={!local.mic} size={22} />}
      </button>
      <button
        type="button"
        class={`switch ${local.camera ? "on" : "off"}`}
        aria-pressed={local.camera}
        aria-busy={busy === "camera"}
        aria-label="Camera"
        title={local.camera ? "Switch the camera off" : "Switch the camera on"}
        data-switch="camera"
        onClick={() => void toggle("camera")}
      >
        <CameraIcon off={!local.camera} size={22} />
      </button>
      <Badge office={visit.office} />
      <button
        type="button"
        class="plain"
        aria-pressed={strip}
        aria-label="Pictures in a strip"
        title={strip ? "Pictures beside the avatars" : "Pictures in a strip"}
        onClick={() => onStrip(!strip)}
      >
        <GridIcon />
      </button>
      <button
        type="button"
        class="plain"
        aria-pressed={people}
        aria-label="List of people"
        title={people ? "Hide the list of people" : "Show the list of people"}
        onClick={() => onPeople(!people)}
      >
        <PeopleIcon />
      </button>
      <button
        type="button"
        class="plain leave"
        aria-label="Leave the office"
        title="Leave the office"
        onClick={onLeave}
      >
        <LeaveIcon />
      </button>
    </nav>
  );
}

function useLocal(media: LocalMedia): LocalState {
  const [state, setState] = useState(media.state);
  useEffect(() => {
    setState(media.state);
    return media.on("change", setState);
  }, [media]);
  return state;
}

/** One's own picture, mirrored, as people know themselves. */
function Preview({ media, on }: { media: LocalMedia; on: boolean }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    const show = () => {
      const track = media.track("camera");
      const shown = (video.srcObject as MediaStream | null)?.getVideoTracks()[0];
      if (track === (shown ?? null)) return;
      video.srcObject = track ? new MediaStream([track]) : null;
    };
    show();
    return media.on("change", show);
  }, [media]);
  return (
    <div class={`preview ${on ? "on" : "off"}`}>
      <video ref={ref} autoplay muted playsInline aria-label="Your own picture" />
      {!on && <span class="dim">camera off</span>}
    </div>
  );
}
