"""The bundled walks, and how a sequence meets another frame."""

import torch

from posegan.inference.sequences import bundled_sequences, fit_sequence


def test_bundled_walks_are_whole_cycles_that_fit_their_frame():
    assert set(bundled_sequences()) == {"walk-front", "walk-left", "walk-right", "walk-away"}
    for sequence in bundled_sequences().values():
        assert len(sequence.poses) == 16
        assert sequence.poses.visible[:, 1:14].all()
        steps = (sequence.poses.xy.roll(-1, 0) - sequence.poses.xy)[:, 1:14].norm(dim=-1)
        assert steps.max() < 16  # pixels of 128: the last frame leads to the first as any other to the next
        assert fit_sequence(sequence, sequence.size) is sequence.poses


def test_one_cut_serves_all_frames_and_holds_every_joint():
    sequence = bundled_sequences()["walk-left"]
    fitted = fit_sequence(sequence, (256, 176))
    assert torch.equal(fitted.visible, sequence.poses.visible)
    shown = fitted.visible[..., None]
    ratio = (fitted.xy - fitted.xy[:1, 1:2])[shown.expand_as(fitted.xy)]
    other = (sequence.poses.xy - sequence.poses.xy[:1, 1:2])[shown.expand_as(fitted.xy)]
    scale = ratio.norm() / other.norm()
    assert torch.allclose(ratio, scale * other, atol=0.6)  # moved and scaled alike, up to the cut's whole pixels
