"""What a camera that delivers at its own pace needs: the newest frame, time limits, reconnecting, frozen pictures."""
