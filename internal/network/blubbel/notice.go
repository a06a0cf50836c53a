package blubbel

import (
	"context"
	"fmt"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/health"
)

const (
	noticeEvery = 10 * time.Second
	noticedFor  = 10 * time.Minute
)

// notice tells, until ctx ends, what the relay had to refuse.
func (a *Adapter) notice(ctx context.Context) {
	ticker := time.NewTicker(noticeEvery)
	defer ticker.Stop()
	var before server.Stats // the relay is new
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := a.relay.Stats()
		a.compare(before, now)
		before = now
	}
}

// compare raises findings for what was counted between two looks. They are
// information, whatever their code's severity: strangers can cause them, and
// must not make the server look unwell.
func (a *Adapter) compare(before, now server.Stats) {
	for _, seen := range []struct {
		code  health.Code
		count uint64
		what  string
	}{
		{health.TooManyPending, now.RefusedPending - before.RefusedPending, "connections refused"},
		{health.BlubbelReaderCut, now.Cuts - before.Cuts, "clients cut off"},
		{health.BlubbelLoginTimeout, now.LoginTimeouts - before.LoginTimeouts, "connections not logged in in time"},
	} {
		if seen.count == 0 {
			continue
		}
		f := health.New(seen.code, a.local(), fmt.Sprintf("%d %s within %v", seen.count, seen.what, noticeEvery), "").On(Name)
		f.Severity = health.Info
		a.findings.RaiseFor(f, noticedFor)
	}
}
