package signaling

import (
	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// Auth and Claims are those of the tokens that the document protocol takes too.
type (
	Auth   = identity.Auth
	Claims = identity.Claims
)

func userOf(c *Claims) protocol.User {
	return protocol.User{UserID: c.User, WorkspaceID: c.Workspace, DisplayName: c.Name, AvatarID: c.Avatar}
}

func identityOf(c *Claims) space.Identity {
	return space.Identity{User: c.User, Workspace: c.Workspace, Name: c.Name, Avatar: c.Avatar, Role: c.Role}
}

func authFailed(typ string, err error) *protocol.Error {
	return protocol.Errorf(protocol.AuthFailed, typ, "the token is not accepted: %v", err)
}
