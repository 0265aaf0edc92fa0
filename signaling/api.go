package signaling

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// routeAPI adds the HTTP part of the protocol. Errors have the shape of an ERROR's payload, those of a path or a method that
// does not exist too. Any page may call it: what it gives depends on a bearer token, never on a cookie.
func (s *Server) routeAPI(mux *http.ServeMux) {
	api := http.NewServeMux()
	route := func(method, path string, h http.HandlerFunc) {
		api.HandleFunc(method+" "+path, h)
		allow := method
		if method == http.MethodGet {
			allow += ", " + http.MethodHead // which the pattern takes too
		}
		api.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allow+", "+http.MethodOptions)
			writeError(w, http.StatusMethodNotAllowed, protocol.Errorf(protocol.InvalidRequest, "", "this path takes %s", allow))
		})
	}
	route(http.MethodPost, "/api/guest", s.serveGuest)
	route(http.MethodGet, "/api/worlds", s.serveWorlds)
	route(http.MethodGet, "/api/worlds/{id}", s.serveWorld)
	route(http.MethodGet, "/api/worlds/{id}/documents/{document}", s.serveDocument)
	api.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, protocol.Errorf(protocol.InvalidRequest, "", "there is nothing at this path"))
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			w.Header().Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		api.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

func writeError(w http.ResponseWriter, status int, e *protocol.Error) { writeJSON(w, status, e) }

const (
	guestBytes = 4 << 10
	guestName  = 64 // runes
)

// serveGuest mints a token for whoever asks, where the configuration says so.
func (s *Server) serveGuest(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.isDraining():
		writeError(w, http.StatusServiceUnavailable, protocol.Errorf(protocol.ServerError, "", "the server is shutting down; try again in a moment"))
		return
	case !s.opt.GuestLogin:
		writeError(w, http.StatusForbidden, protocol.Errorf(protocol.PermissionDenied, "", "guest login is off on this server (auth.guest_login)"))
		return
	case !s.guests.Allow():
		writeError(w, http.StatusTooManyRequests, protocol.Errorf(protocol.RateLimited, "", "too many guests at once; try again in a moment"))
		return
	}
	name, avatar, e := readGuest(http.MaxBytesReader(w, r.Body, guestBytes))
	if e != nil {
		writeError(w, http.StatusBadRequest, e)
		return
	}
	m := s.guestWorld()
	if m == nil {
		writeError(w, http.StatusForbidden, protocol.Errorf(protocol.PermissionDenied, "", "this server has no world"))
		return
	}
	claims := Claims{User: uuid.New(), Workspace: m.Workspace, Name: name, Avatar: avatar, Role: space.Guest, Expires: s.opt.Now().Add(s.opt.GuestTTL)}
	token, err := identity.Mint(s.opt.Auth, claims)
	if err != nil {
		s.logger.Error("no guest token", "err", err)
		writeError(w, http.StatusInternalServerError, protocol.Errorf(protocol.ServerError, "", "the server cannot mint a token"))
		return
	}
	writeJSON(w, http.StatusOK, protocol.GuestResponse{Token: token, User: userOf(&claims), WorldID: m.ID})
}

// guestWorld is the first world; nil: there is none.
func (s *Server) guestWorld() *space.Map {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return nil
	}
	return s.order[0].live.Map()
}

func readGuest(body io.Reader) (name, avatar string, e *protocol.Error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return "", "", protocol.Errorf(protocol.InvalidRequest, "", "the body is larger than %d bytes", guestBytes)
	}
	var req struct {
		DisplayName *string `json:"display_name"`
		AvatarID    *string `json:"avatar_id"`
	}
	if err := json.Unmarshal(raw, &req); err != nil {
		e := protocol.Errorf(protocol.InvalidRequest, "", `the body must be {"display_name": string, "avatar_id": string}: %v`, err)
		var typeErr *json.UnmarshalTypeError
		if errors.As(err, &typeErr) && typeErr.Field != "" {
			e.With("field", typeErr.Field)
		}
		return "", "", e
	}
	read := func(field string, v *string) string {
		if e != nil {
			return ""
		}
		if v == nil || strings.TrimSpace(*v) == "" || utf8.RuneCountInString(*v) > guestName || strings.ContainsFunc(*v, unseen) {
			e = protocol.Errorf(protocol.InvalidRequest, "", "%q must be a text of 1 to %d printable characters", field, guestName).With("field", field)
			return ""
		}
		return strings.TrimSpace(*v)
	}
	name, avatar = read("display_name", req.DisplayName), read("avatar_id", req.AvatarID)
	return name, avatar, e
}

// unseen finds what a name must not hold, since everyone is shown it: control characters, and those that turn the
// direction of the text around them. A zero-width joiner makes one picture of several emoji, and may stay.
func unseen(r rune) bool {
	const joiner = '\u200d'
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != joiner || unicode.In(r, unicode.Zl, unicode.Zp)
}

// bearer reads the token of a request; where there is none that holds, it has answered 401.
func (s *Server) bearer(w http.ResponseWriter, r *http.Request) *Claims {
	token := identity.Bearer(r)
	if token == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="atrium"`)
		writeError(w, http.StatusUnauthorized, protocol.Errorf(protocol.AuthFailed, "", "the request must carry Authorization: Bearer with a JWT"))
		return nil
	}
	c, err := s.verifier.Verify(token)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="atrium", error="invalid_token"`)
		writeError(w, http.StatusUnauthorized, authFailed("", err))
		return nil
	}
	return c
}

func (s *Server) serveWorlds(w http.ResponseWriter, r *http.Request) {
	c := s.bearer(w, r)
	if c == nil {
		return
	}
	list := protocol.WorldList{Worlds: []protocol.WorldName{}}
	s.mu.Lock()
	for _, world := range s.order {
		if m := world.live.Map(); c.MayJoin(m) {
			list.Worlds = append(list.Worlds, protocol.WorldName{WorldID: m.ID, Name: m.Name})
		}
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, list)
}

func (s *Server) serveWorld(w http.ResponseWriter, r *http.Request) {
	if m := s.requestedWorld(w, r); m != nil {
		writeJSON(w, http.StatusOK, m.Description())
	}
}

func (s *Server) serveDocument(w http.ResponseWriter, r *http.Request) {
	m := s.requestedWorld(w, r)
	if m == nil {
		return
	}
	id, err := protocol.ParseUUID(r.PathValue("document"))
	d, ok := m.Document(id)
	if err != nil || !ok {
		writeError(w, http.StatusNotFound, protocol.Errorf(protocol.ObjectNotFound, "", "no object of this world has such a document").With("field", "document_id"))
		return
	}
	writeJSON(w, http.StatusOK, protocol.Document{DocumentID: d.ID, Name: d.Name, Text: d.Text})
}

// requestedWorld gives the map of the world in a request's path; nil: it has answered why not.
func (s *Server) requestedWorld(w http.ResponseWriter, r *http.Request) *space.Map {
	c := s.bearer(w, r)
	if c == nil {
		return nil
	}
	id, err := protocol.ParseUUID(r.PathValue("id"))
	s.mu.Lock()
	var m *space.Map // which never changes; the world may get another one
	if world, ok := s.worlds[id]; ok {
		m = world.live.Map()
	}
	s.mu.Unlock()
	if err != nil || m == nil {
		writeError(w, http.StatusNotFound, protocol.Errorf(protocol.WorldNotFound, "", "there is no such world").With("field", "world_id"))
		return nil
	}
	if !c.MayJoin(m) {
		writeError(w, http.StatusForbidden, protocol.Errorf(protocol.PermissionDenied, "", "the token does not open this world").With("field", "world_id"))
		return nil
	}
	return m
}
