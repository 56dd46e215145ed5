package simulator

import (
	"net/http"
)

// ChatHook is the path, under the world's root, of a chat channel's incoming
// webhook. It takes a JSON object with a "text" and answers as such services do.
const ChatHook = "/chat/hooks/on-call"

type chatState struct {
	Messages []string `json:"messages"`
}

func chatService() service {
	return service{
		name:   "chat",
		state:  stateOf(func(*State, *chatState) {}, nil),
		mounts: map[string]mount{"chat": newChat},
	}
}

func newChat(w *World) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hooks/on-call", func(rw http.ResponseWriter, r *http.Request) {
		var m struct {
			Text string `json:"text"`
		}
		if readJSON(r, &m) != nil {
			writeText(rw, http.StatusBadRequest, "invalid_payload")
			return
		}
		if m.Text == "" {
			writeText(rw, http.StatusBadRequest, "no_text")
			return
		}
		err := w.update(func(s *State) error {
			c := part[chatState](s)
			c.Messages = append(c.Messages, m.Text)
			return nil
		})
		if err != nil {
			failed(rw, err)
			return
		}
		writeText(rw, http.StatusOK, "ok")
	})
	return mux
}
