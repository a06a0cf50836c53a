package server

import (
	"context"
	"log/slog"

	"trunkline/blubbel"
)

// Only what strangers cause is logged here, so nothing above Debug; what frames
// hold never is.

func (s *Server) logLogin(l *link) {
	key := l.conn.key
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "logged in",
		slog.Uint64("conn", l.number), slog.Any("peer", peer(key)),
		slog.Bool("proven", formOf(key) == blubbel.DER))
}

// logEnd logs why a connection ended; nil is that its client left, or that the
// relay ends.
func (s *Server) logEnd(l *link, key string, why error) {
	if why == nil {
		s.log.LogAttrs(context.Background(), slog.LevelDebug, "connection ended",
			slog.Uint64("conn", l.number), slog.Any("peer", peer(key)))
		return
	}
	s.log.LogAttrs(context.Background(), slog.LevelDebug, "connection closed",
		slog.Uint64("conn", l.number), slog.Any("peer", peer(key)), slog.String("why", why.Error()))
}

// peer is a key as it stands in packets, of which a log gets the short
// fingerprint.
type peer string

// LogValue is made only if somebody listens.
func (p peer) LogValue() slog.Value {
	k, _ := blubbel.ParsePublicKey([]byte(p)) // zero before login
	return k.LogValue()
}
