"""For the tools of people who build robots: Foxglove and Lichtblick look on while a run goes, ROS 2 gets detections."""
