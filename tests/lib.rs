//! Shared by the tests: building captures, starting real programs, running the sensor.
