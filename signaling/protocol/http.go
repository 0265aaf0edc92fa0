package protocol

import "github.com/google/uuid"

// GuestRequest is the body of POST /api/guest.
type GuestRequest struct {
	DisplayName string `json:"display_name"`
	AvatarID    string `json:"avatar_id"`
}

// GuestResponse is its answer.
type GuestResponse struct {
	Token   string    `json:"token"`
	User    User      `json:"user"`
	WorldID uuid.UUID `json:"world_id"`
}

// Document is the answer to GET /api/worlds/{world_id}/documents/{document_id}.
type Document struct {
	DocumentID uuid.UUID `json:"document_id"`
	Name       string    `json:"name"`
	Text       string    `json:"text"` // lines end with \n; empty: the world has no text for it
}

// WorldName is one entry of GET /api/worlds.
type WorldName struct {
	WorldID uuid.UUID `json:"world_id"`
	Name    string    `json:"name"`
}

// WorldList is the answer to GET /api/worlds.
type WorldList struct {
	Worlds []WorldName `json:"worlds"`
}
