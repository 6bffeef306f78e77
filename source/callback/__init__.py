"""What happens beside the steps: logs, checkpoints, summaries, pictures, early ends."""
