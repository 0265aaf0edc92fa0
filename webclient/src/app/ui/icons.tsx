import type { ComponentChildren } from "preact";

/** Icons are decoration beside a text or a label, so assistive technology skips them. */
function Icon({ children, size = 20 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.9"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {children}
    </svg>
  );
}

const slash = <path d="M4 4l16 16" />;

export const MicIcon = ({ off = false, size = 20 }: { off?: boolean; size?: number }) => (
  <Icon size={size}>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
    {off && slash}
  </Icon>
);

/** By a moderator. */
export const MutedIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}>
    <rect x="9" y="3" width="6" height="11" rx="3" fill="currentColor" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
    <path d="M3.5 3.5l17 17" stroke-width="2.6" />
  </Icon>
);

export const MoreIcon = () => (
  <Icon size={16}>
    <circle cx="5" cy="12" r="1.3" fill="currentColor" />
    <circle cx="12" cy="12" r="1.3" fill="currentColor" />
    <circle cx="19" cy="12" r="1.3" fill="currentColor" />
  </Icon>
);

export const CameraIcon = ({ off = false, size = 20 }: { off?: boolean; size?: number }) => (
  <Icon size={size}>
    <rect x="3" y="6.5" width="12" height="11" rx="2.5" />
    <path d="M15 10.5l6-3.2v9.4l-6-3.2" />
    {off && slash}
  </Icon>
);

export const LeaveIcon = () => (
  <Icon>
    <path d="M14 4H6.5A1.5 1.5 0 0 0 5 5.5v13A1.5 1.5 0 0 0 6.5 20H14M10.5 12H20M16.5 8.5L20 12l-3.5 3.5" />
  </Icon>
);

export const PeopleIcon = () => (
  <Icon>
    <circle cx="9" cy="8" r="3.2" />
    <path d="M3 19.5c.4-3.6 2.7-5.5 6-5.5s5.6 1.9 6 5.5M15.5 5.2a3.2 3.2 0 0 1 0 5.8M17.5 14.5c2 .7 3.2 2.4 3.5 5" />
  </Icon>
);

export const GridIcon = () => (
  <Icon>
    <rect x="3.5" y="5" width="7.5" height="6" rx="1.5" />
    <rect x="13" y="5" width="7.5" height="6" rx="1.5" />
    <rect x="3.5" y="13.5" width="7.5" height="6" rx="1.5" />
    <rect x="13" y="13.5" width="7.5" height="6" rx="1.5" />
  </Icon>
);

export const WalkIcon = () => (
  <Icon size={16}>
    <path d="M12 21s-6.5-5.6-6.5-11a6.5 6.5 0 0 1 13 0c0 5.4-6.5 11-6.5 11z" />
    <circle cx="12" cy="10" r="2.2" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon size={16}>
    <path d="M6 6l12 12M18 6L6 18" />
  </Icon>
);

export const CheckIcon = () => (
  <Icon size={16}>
    <path d="M5 12.5l4.5 4.5L19 7.5" />
  </Icon>
);

export const SendIcon = () => (
  <Icon size={18}>
    <path d="M4 12l16-7.5-5 15-3.5-6z" />
    <path d="M11.5 13.5L20 4.5" />
  </Icon>
);

/** How media travels: straight, over a relay, through the server. */
export const DirectIcon = () => (
  <Icon size={18}>
    <circle cx="5" cy="12" r="2.4" />
    <circle cx="19" cy="12" r="2.4" />
    <path d="M7.5 12h9" />
  </Icon>
);

export const RelayIcon = () => (
  <Icon size={18}>
    <circle cx="4.5" cy="16" r="2.3" />
    <circle cx="19.5" cy="16" r="2.3" />
    <path d="M6.3 14.5L10.5 9h3l4.2 5.5" />
    <circle cx="12" cy="8" r="2.3" />
  </Icon>
);

export const ServerIcon = () => (
  <Icon size={18}>
    <rect x="7.5" y="3.5" width="9" height="6" rx="1.5" />
    <path d="M12 9.5v4M12 13.5L5.5 17M12 13.5l6.5 3.5M12 13.5V17" />
    <circle cx="5" cy="19" r="1.7" />
    <circle cx="12" cy="19" r="1.7" />
    <circle cx="19" cy="19" r="1.7" />
  </Icon>
);
