package protocol

import (
	"slices"
)

// Link is one of the two WebSockets.
type Link string

// The links.
const (
	ZoneLink Link = "zone" // /signal
	SFULink  Link = "sfu"  // /sfu
)

// Sender is the end that sends a message.
type Sender string

// The two ends.
const (
	Client Sender = "client"
	Server Sender = "server"
)

// Spec is a message as one end sends it on one link. The decoder reads clients' frames by it, and the machine-readable
// descriptions are made from it.
type Spec struct {
	Type    string
	Link    Link
	From    Sender
	Payload any     // the zero value of its Go type
	Feature Feature // it goes only to clients that listed this; "": to all
	Fields  Fields  // what the Go type does not say

	decode decoder // of a client's message
}

// Fields holds rules by the name that a field has in JSON.
type Fields map[string]Rule

// Rule says of a field what its Go type does not.
type Rule struct {
	In       Presence
	Const    string // the only value
	Format   Format
	Min, Max *int64
	MinBytes int   // of text
	MaxBytes int   // of text
	MaxRunes int   // of text: characters
	MaxItems int   // of a list
	Each     *Rule // of the items of a list or the values of a map
	Shape    any   // what raw JSON holds, or null: the zero value of a Go type
}

// Presence says whether a field is in a message.
type Presence int

// By its Go type a field is optional when it is tagged omitempty and required otherwise.
const (
	ByType Presence = iota
	Required
	Optional
	Absent
)

// Format is what a text holds.
type Format string

// The formats. Names are those of JSON Schema, except for FormatSDP.
const (
	FormatUUID     Format = "uuid"
	FormatURI      Format = "uri"
	FormatDateTime Format = "date-time"
	FormatSDP      Format = "sdp" // base64 of a session description
)

// Messages lists every message of both links, both ways.
func Messages() []Spec { return slices.Clone(messages) }

func upTo(most int64) Rule { zero := int64(0); return Rule{Min: &zero, Max: &most} }

func eachOf(r Rule, most int) Rule { return Rule{Each: &r, MaxItems: most} }

var (
	absent    = Rule{In: Absent}
	member    = Rule{In: Required, Format: FormatUUID}
	theSFU    = Rule{In: Required, Const: SFUParty}
	encoded   = Rule{Format: FormatSDP}
	candidate = Rule{Shape: ICECandidateInit{}}

	// A client's own ERROR is only logged, so that little is asked of it.
	clientError = Fields{"message": {In: Optional, MaxBytes: maxErrorText}, "details": {In: Optional}}
)

func connectFields(session Presence) Fields {
	text := Rule{MaxBytes: maxText}
	return Fields{"token": {MaxBytes: maxToken}, "client_version": text, "features": eachOf(text, maxFeatures), "session": {In: session, MaxBytes: maxText}}
}

// messages is the table of the protocol, in the order of the protocol's sections. It is never changed.
var messages = []Spec{
	// Zone link, client.
	{Type: TypeConnect, Link: ZoneLink, From: Client, Payload: Connect{}, Fields: connectFields(Absent), decode: decodeConnect},
	{Type: TypeJoinWorld, Link: ZoneLink, From: Client, Payload: JoinWorld{}, decode: decodeJoinWorld},
	{Type: TypePresenceUpdate, Link: ZoneLink, From: Client, Payload: PresenceUpdate{}, decode: decodePresenceUpdate},
	{Type: TypeZoneTransition, Link: ZoneLink, From: Client, Payload: ZoneTransition{}, decode: decodeZoneTransition},
	{Type: TypeMoveIntent, Link: ZoneLink, From: Client, Payload: MoveIntent{}, decode: decodeMoveIntent},
	{Type: TypeInteractRequest, Link: ZoneLink, From: Client, Payload: InteractRequest{}, decode: decodeInteractRequest},
	{Type: TypeInteractEnd, Link: ZoneLink, From: Client, Payload: InteractEnd{}, decode: decodeInteractEnd},
	{Type: TypeSDPOffer, Link: ZoneLink, From: Client, Payload: Description{}, Fields: Fields{"to": member, "from": absent, "sdp": encoded}, decode: decodeMemberDescription},
	{Type: TypeSDPAnswer, Link: ZoneLink, From: Client, Payload: Description{}, Fields: Fields{"to": member, "from": absent, "sdp": encoded}, decode: decodeMemberDescription},
	{Type: TypeICECandidate, Link: ZoneLink, From: Client, Payload: ICECandidate{}, Fields: Fields{"to": member, "from": absent, "candidate": candidate}, decode: decodeMemberCandidate},
	{Type: TypeICEFailed, Link: ZoneLink, From: Client, Payload: ICEFailed{}, decode: decodeICEFailed},
	{Type: TypeSFUConnected, Link: ZoneLink, From: Client, Payload: SFUConnected{}, decode: decodeSFUConnected},
	{Type: TypeSFUDisconnected, Link: ZoneLink, From: Client, Payload: SFUDisconnected{}, decode: decodeSFUDisconnected},
	{Type: TypeError, Link: ZoneLink, From: Client, Payload: Error{}, Fields: clientError, decode: decodeError},
	{Type: TypeMuteUser, Link: ZoneLink, From: Client, Payload: MuteUser{}, Fields: Fields{"duration": upTo(maxMute)}, decode: decodeMuteUser},
	{Type: TypeRemoveFromZone, Link: ZoneLink, From: Client, Payload: RemoveFromZone{}, decode: decodeRemoveFromZone},
	{Type: TypeKickFromWorld, Link: ZoneLink, From: Client, Payload: KickFromWorld{}, decode: decodeKickFromWorld},

	// Zone link, server.
	{Type: TypeConnected, Link: ZoneLink, From: Server, Payload: Connected{}, Fields: Fields{"stun_urls": eachOf(Rule{Format: FormatURI}, 0)}},
	{Type: TypeWorldState, Link: ZoneLink, From: Server, Payload: WorldState{}},
	{Type: TypeWorldChanged, Link: ZoneLink, From: Server, Payload: WorldChanged{}, Feature: FeatureWorldChanged},
	{Type: TypePresenceBroadcast, Link: ZoneLink, From: Server, Payload: PresenceBroadcast{}},
	{Type: TypePresenceBatch, Link: ZoneLink, From: Server, Payload: PresenceBatch{}, Feature: FeaturePresenceBatch},
	{Type: TypeZoneTransitioned, Link: ZoneLink, From: Server, Payload: ZoneTransitioned{}},
	{Type: TypePositionCorrection, Link: ZoneLink, From: Server, Payload: PositionCorrection{}},
	{Type: TypeInteractGranted, Link: ZoneLink, From: Server, Payload: InteractGranted{}},
	{Type: TypeInteractDenied, Link: ZoneLink, From: Server, Payload: InteractDenied{}},
	{Type: TypeObjectOccupied, Link: ZoneLink, From: Server, Payload: ObjectOccupied{}},
	{Type: TypeObjectReleased, Link: ZoneLink, From: Server, Payload: ObjectReleased{}, Feature: FeatureObjectReleased},
	{Type: TypeSDPOffer, Link: ZoneLink, From: Server, Payload: Description{}, Fields: Fields{"from": member, "to": absent, "sdp": encoded}},
	{Type: TypeSDPAnswer, Link: ZoneLink, From: Server, Payload: Description{}, Fields: Fields{"from": member, "to": absent, "sdp": encoded}},
	{Type: TypeICECandidate, Link: ZoneLink, From: Server, Payload: ICECandidate{}, Fields: Fields{"from": member, "to": absent, "candidate": candidate}},
	{Type: TypeTURNCredentials, Link: ZoneLink, From: Server, Payload: TURNCredentials{}, Fields: Fields{"urls": eachOf(Rule{Format: FormatURI}, 0)}},
	{Type: TypePromoteToSFU, Link: ZoneLink, From: Server, Payload: PromoteToSFU{}, Fields: Fields{"sfu_url": {Format: FormatURI}}},
	{Type: TypeTopologyChanged, Link: ZoneLink, From: Server, Payload: TopologyChanged{}, Feature: FeatureTopologyChanged},
	{Type: TypePeerJoined, Link: ZoneLink, From: Server, Payload: PeerJoined{}},
	{Type: TypePeerLeft, Link: ZoneLink, From: Server, Payload: PeerLeft{}},
	{Type: TypeError, Link: ZoneLink, From: Server, Payload: Error{}},
	{Type: TypeUserMuted, Link: ZoneLink, From: Server, Payload: UserMuted{}, Feature: FeatureUserMuted, Fields: Fields{"until": {Format: FormatDateTime}}},

	// SFU link, client.
	{Type: TypeConnect, Link: SFULink, From: Client, Payload: Connect{}, Fields: connectFields(Optional), decode: decodeConnect},
	{Type: TypeSDPOffer, Link: SFULink, From: Client, Payload: Description{}, Fields: Fields{"to": theSFU, "from": absent, "sdp": encoded}, decode: decodeSFUDescription},
	{Type: TypeICECandidate, Link: SFULink, From: Client, Payload: ICECandidate{}, Fields: Fields{"to": theSFU, "from": absent, "candidate": candidate}, decode: decodeSFUCandidate},
	{Type: TypeView, Link: SFULink, From: Client, Payload: View{}, Fields: Fields{
		"pinned": {MaxItems: maxPinned}, "max_video": upTo(maxSafe), "sizes": eachOf(upTo(maxHeight), 0),
	}, decode: decodeView},
	{Type: TypeError, Link: SFULink, From: Client, Payload: Error{}, Fields: clientError, decode: decodeError},

	// SFU link, server.
	{Type: TypeConnected, Link: SFULink, From: Server, Payload: SFULinkConnected{}},
	{Type: TypeSDPAnswer, Link: SFULink, From: Server, Payload: Description{}, Fields: Fields{"from": theSFU, "to": absent, "sdp": encoded}},
	{Type: TypeICECandidate, Link: SFULink, From: Server, Payload: ICECandidate{}, Fields: Fields{"from": theSFU, "to": absent, "candidate": candidate}},
	{Type: TypeSlots, Link: SFULink, From: Server, Payload: Slots{}},
	{Type: TypeError, Link: SFULink, From: Server, Payload: Error{}},
}
