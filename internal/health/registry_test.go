package health_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"trunkline/internal/health"
)

func TestRegistryKeepsOneFindingForEachCodeAndSubject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r health.Registry
		if !r.Raise(health.New(health.PortHeld, "a", "pid 1", "")) {
			t.Error("the first is not new")
		}
		start := time.Now()
		time.Sleep(time.Minute)
		if r.Raise(health.New(health.PortHeld, "a", "pid 2", "")) {
			t.Error("the same again is new")
		}
		if !r.Raise(health.New(health.PortHeld, "b", "pid 1", "")) {
			t.Error("another subject is not new")
		}
		got := r.Snapshot()
		if len(got) != 2 || got[0].Detail != "pid 2" || !got[0].Since.Equal(start) {
			t.Errorf("got %+v, want two, the first with the newest detail and the oldest time", got)
		}
		if n := r.Count(health.PortHeld); n != 2 {
			t.Errorf("count %d, want 2", n)
		}
	})
}

func TestRegistryClearsByCodeAndSubject(t *testing.T) {
	t.Parallel()
	var r health.Registry
	r.Raise(health.New(health.PortHeld, "a", "", ""))
	r.Raise(health.New(health.ListenFailed, "a", "", ""))
	if r.Clear(health.PortHeld, "b") {
		t.Error("cleared a subject that is not there")
	}
	if !r.Clear(health.PortHeld, "a") || r.Clear(health.PortHeld, "a") {
		t.Error("clear does not say whether there was one")
	}
	if got := r.Snapshot(); len(got) != 1 || got[0].Code != health.ListenFailed {
		t.Errorf("left: %+v", got)
	}
}

func TestRegistryShowsTheWorstFirst(t *testing.T) {
	t.Parallel()
	var r health.Registry
	for _, code := range []health.Code{health.ClockUnknown, health.FewDescriptors, health.PortHeld, health.ClockOff} {
		r.Raise(health.New(code, "b", "", ""))
		r.Raise(health.New(code, "a", "", ""))
	}
	var got []string
	for _, f := range r.Snapshot() {
		got = append(got, string(f.Code)+f.Subject)
	}
	want := []string{"NET-003a", "NET-003b", "NET-001a", "NET-001b", "NET-006a", "NET-006b", "NET-007a", "NET-007b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEventEndsWhenItIsNotRaisedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r health.Registry
		event := health.New(health.BlubbelReaderCut, "blubbel", "1 reader cut", "")
		r.RaiseFor(event, time.Minute)
		time.Sleep(50 * time.Second)
		if r.RaiseFor(event, time.Minute) {
			t.Error("raised again within its time is new")
		}
		time.Sleep(50 * time.Second)
		if r.Count(health.BlubbelReaderCut) != 1 {
			t.Error("ended though it was raised again")
		}
		time.Sleep(10 * time.Second)
		if r.Count(health.BlubbelReaderCut) != 0 || r.Clear(event.Code, event.Subject) {
			t.Error("did not end")
		}
		if !r.RaiseFor(event, time.Minute) {
			t.Error("after its end it is not new")
		}
	})
}

func TestRegistryIsBounded(t *testing.T) {
	t.Parallel()
	var r health.Registry
	raised := 0
	for _, e := range health.Table() {
		for i := range health.MaxPerCode + 5 {
			r.Raise(health.New(e.Code, fmt.Sprint(i), "", ""))
			raised++
		}
	}
	got := r.Snapshot()
	if len(got) != health.MaxFindings {
		t.Errorf("holds %d findings, want %d", len(got), health.MaxFindings)
	}
	if n := r.Count(got[0].Code); n != health.MaxPerCode {
		t.Errorf("holds %d of %s, want %d", n, got[0].Code, health.MaxPerCode)
	}
	if want := uint64(raised - len(got)); r.Dropped() != want {
		t.Errorf("dropped %d, want %d", r.Dropped(), want)
	}
	known := got[0]
	known.Detail = "newer"
	r.Raise(known)
	if r.Snapshot()[0].Detail != "newer" {
		t.Error("a full registry refuses news of what it holds")
	}
}

func TestRegistryIsSafeForManyGoroutines(t *testing.T) {
	t.Parallel()
	var r health.Registry
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 200 {
				f := health.New(health.PortHeld, fmt.Sprint(i), "", "")
				r.Raise(f)
				r.Snapshot()
				r.Clear(f.Code, f.Subject)
			}
		})
	}
	all.Wait()
	if got := r.Snapshot(); len(got) != 0 {
		t.Errorf("left: %+v", got)
	}
}
