package client

import (
	"slices"
	"testing"

	"trunkline/blubbel"

	"pgregory.net/rapid"
)

func TestAQueueIsASlice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var q queue[int]
		var model []int
		for i := range rapid.IntRange(0, 200).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				q.push(i + 1)
				model = append(model, i+1)
			case 2:
				q.unpop(i + 1)
				model = slices.Insert(model, 0, i+1)
			case 3, 4, 5:
				if q.len() > 0 {
					if q.first() != model[0] || q.pop() != model[0] {
						rt.Fatal("another item came out first")
					}
					model = model[1:]
				}
			}
			if q.len() != len(model) || !slices.Equal(q.items[q.head:], model) {
				rt.Fatalf("holds %v, want %v", q.items[q.head:], model)
			}
		}
		for i, v := range q.items[:cap(q.items)] {
			if v != 0 && (i < q.head || i >= len(q.items)) {
				rt.Fatalf("item %d was taken out and is still there", v)
			}
		}
		if got := q.drain(); !slices.Equal(got, model) || q.len() != 0 {
			rt.Errorf("drained %v, want %v", got, model)
		}
	})
}

func TestAQueueUsesItsMemoryAgain(t *testing.T) {
	var q queue[[8]byte]
	allocations := testing.AllocsPerRun(1000, func() {
		for range 3 {
			q.push([8]byte{1})
		}
		for range 3 {
			q.pop()
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations a round", allocations)
	}
}

func TestGuestsWithASessionAreNotForgotten(t *testing.T) {
	t.Parallel()
	r := roster{byKey: map[string]*contact{}}
	var all []*contact
	for i := range 4 {
		k, err := blubbel.ParsePublicKey(rawKey(i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.add(k, guest))
	}
	all[0].current = &session{}
	all[1].outbox.push(message{ref: 1})
	if got := r.surplus(guest, 4); got != all[2] {
		t.Error("not the oldest guest that is gone and expects nothing has to go")
	}
	if r.surplus(guest, 5) != nil || r.surplus(stranger, 1) != nil {
		t.Error("somebody has to go although there is room")
	}
}
