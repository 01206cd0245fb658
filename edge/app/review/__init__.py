"""What people say of a flight's tracks and pictures: right, wrong, unsure, missed; kept in the flight's folder."""
