"""What is known of camera models, and where on the USB bus a camera is plugged in."""
