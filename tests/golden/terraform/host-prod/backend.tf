terraform {
  # terraform init -backend-config=bucket=shop-state-<account id>   (made by ../bootstrap)
  backend "s3" {
    key          = "shop/prod.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}
