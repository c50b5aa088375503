"""What drift is: pure, values in, values out."""
