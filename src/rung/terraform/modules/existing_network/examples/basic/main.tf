# The network of a company, used by one workload.
provider "aws" {
  region = "eu-central-1"
}

module "network" {
  source = "../.."

  name   = "company"
  vpc_id = "vpc-0a1b2c3d4e5f67890"

  public_subnet_ids  = ["subnet-0a1b2c3d4e5f67891", "subnet-0a1b2c3d4e5f67892"]
  private_subnet_ids = ["subnet-0a1b2c3d4e5f67893", "subnet-0a1b2c3d4e5f67894"]
}
