"""Steps of the wall clock by an hour and a day: the run of tests/delivery/clock.py, with a line in this folder's ledger."""

import importlib.util

import campaigns  # first

FILE = campaigns.DELIVERY / "clock.py"  # of the same name as this file


def main():
    specification = importlib.util.spec_from_file_location("clock_of_delivery", FILE)
    clock = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(clock)
    clock.main(campaigns.Campaign)


if __name__ == "__main__":
    main()
